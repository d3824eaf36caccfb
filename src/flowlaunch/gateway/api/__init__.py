"""The HTTP API under /v1: operations as a table, from which routing and the OpenAPI document are made."""
