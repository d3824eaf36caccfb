"""The `flowlaunch` command: parse, call the library, render, exit."""
