"""`python -m flowlaunch` is the `flowlaunch` command."""

from flowlaunch.cli.main import main

if __name__ == "__main__":
    main()
