"""The door of the `flowlaunch` command: it answers --version before anything slow is loaded."""

import sys

from flowlaunch._version import __version__


def main() -> None:
    """Run the command line of this process and end the process."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"flowlaunch {__version__}\n")
        return
    from flowlaunch.cli.app import run  # noqa: PLC0415 - 30 ms that --version need not pay

    sys.exit(run())


if __name__ == "__main__":
    main()
