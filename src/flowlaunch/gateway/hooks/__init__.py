"""Webhooks in: signed messages of other systems that become launches by a route, each once."""
