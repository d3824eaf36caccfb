"""Routes: named ways to a flow, from one TOML file that is reloaded when it changes."""
