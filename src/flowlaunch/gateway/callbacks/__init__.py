"""Callbacks out: a launch's end, signed, told to the address that its app named, for as long as a day."""
