"""One file for each schema version, named by its number."""
