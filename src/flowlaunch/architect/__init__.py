"""The Architect flow language, offline: read flows, check them, run them, draw them. No I/O anywhere in here.

Start with `expressions` (one expression), `load` (a flow from its text), `interpret` (a run as a generator of
effects), `lint`, `drawing`, `stubs` and `cases`.
"""
