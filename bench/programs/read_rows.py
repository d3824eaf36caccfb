"""Read a source of one kind from its first row to its last: `xlsx`, `parquet`, `line`; prints rows a second and memory.

The file is written by a process of its own, so that only reading counts. `line` is one line of 100 MB.
"""

import json
import multiprocessing
import resource
import sys
import tempfile
import time
from pathlib import Path

KIND, ROWS = sys.argv[1], int(sys.argv[2])


def cells(number):
    return f"Customer {number}", f"{number:08d}", "high", number % 97, f"2026-11-{number % 28 + 1:02d}"


def write(path):
    header = ("customerName", "orderId", "priority", "amount", "due")
    if KIND == "xlsx":
        from openpyxl import Workbook

        book = Workbook(write_only=True)
        sheet = book.create_sheet("Rows")
        sheet.append(header)
        for number in range(ROWS):
            sheet.append(cells(number))
        book.save(path)
    elif KIND == "parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        schema = pa.schema([(name, pa.int64() if name == "amount" else pa.string()) for name in header])
        with pq.ParquetWriter(path, schema) as writer:
            for start in range(0, ROWS, 100_000):
                columns = zip(*map(cells, range(start, min(ROWS, start + 100_000))), strict=True)
                arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
                writer.write_table(pa.table(arrays, schema=schema))
    else:
        with path.open("w") as file:
            file.write("customerName,orderId\n")
            for _ in range(100):
                file.write("x" * 1_000_000)
            file.write(",1\n" + "Ada,2\n" * ROWS)


def main(folder):
    path = folder / f"rows.{'csv' if KIND == 'line' else KIND}"
    writing = multiprocessing.get_context("spawn").Process(target=write, args=(path,))
    writing.start()
    writing.join()
    from flowlaunch.batch.rows import open_rows

    began, seen = time.perf_counter(), 0
    with open_rows(path) as rows:
        for _ in rows:
            seen += 1
    figures = {"rows": seen, "per_s": seen / (time.perf_counter() - began), "size_mb": path.stat().st_size / 1e6}
    print(json.dumps(figures | {"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        main(Path(name))
