"""The operations of the emulated API, by family."""
