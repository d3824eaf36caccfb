"""What flowlaunch decides, with no socket, clock, sleep, randomness or environment in sight."""
