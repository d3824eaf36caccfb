"""What flowlaunch waits for: sockets, clocks, locks and files."""
