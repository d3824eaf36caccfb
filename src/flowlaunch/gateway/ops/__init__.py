"""What keeps a gateway running well: health, metrics, traces, logs, limits of connections, retention and backups.

Everything here watches; the launches neither wait for it nor fail with it.
"""
