"""The actions of Architect flows, one file a family: each parses its fields and compiles to a step."""
