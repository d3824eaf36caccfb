"""Evaluations a second of equal expressions: `flowlaunch`, `celpy` or `jsonata`."""

import json
import sys
import time

CASES = [
    # ours, CEL, JSONata, variables
    ("Flow.a + Flow.b * 2", "a + b * 2", "a + b * 2", {"a": 3, "b": 4}),
    ("Flow.a > 2 and Flow.b < 10", "a > 2 && b < 10", "a > 2 and b < 10", {"a": 3, "b": 4}),
    (
        'If(Contains(Flow.s, "bc"), "yes", "no")',
        's.contains("bc") ? "yes" : "no"',
        '$contains(s, "bc") ? "yes" : "no"',
        {"s": "abcd"},
    ),
    ('Flow.s + "-" + ToString(Flow.a)', 's + "-" + string(a)', 's & "-" & $string(a)', {"s": "x", "a": 7}),
]
WHO = sys.argv[1]


def ours(text, variables):
    from flowlaunch.architect.expressions import compile_expression
    from flowlaunch.architect.standalone import StillHost, read_variables

    scope, values = read_variables({f"Flow.{name}": value for name, value in variables.items()})
    compiled, host = compile_expression(text, scope), StillHost()
    return lambda: compiled.evaluate(values, host)


def cel(text, variables):
    import celpy

    environment = celpy.Environment()
    program = environment.program(environment.compile(text))
    given = celpy.json_to_cel(variables)
    return lambda: program.evaluate(given)


def jsonata_(text, variables):
    import jsonata

    compiled = jsonata.Jsonata(text)
    return lambda: compiled.evaluate(variables)


make, column = {"flowlaunch": (ours, 0), "celpy": (cel, 1), "jsonata": (jsonata_, 2)}[WHO]
programs = [make(case[column], case[3]) for case in CASES]
values = [str(program()) for program in programs]
cpu, count = time.process_time(), 0
while (spent := time.process_time() - cpu) < 1.5:
    for _ in range(50):
        for program in programs:
            program()
    count += 50 * len(programs)
print(json.dumps({"per_s": count / spent, "values": values}))
