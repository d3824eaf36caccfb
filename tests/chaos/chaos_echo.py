"""A program for a machine: HOST PORT; sends back what it gets, and prints it."""

import socket
import sys

HOST, PORT = sys.argv[1:]
with socket.create_connection((HOST, int(PORT)), 10) as wire:
    wire.settimeout(None)
    while got := wire.recv(100):
        sys.stdout.write(got.decode() + "\n")
        sys.stdout.flush()
        wire.sendall(got)
