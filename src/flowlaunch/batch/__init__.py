"""Launch a flow once per row of a file: read, map, decide, record, send, follow to the end."""
