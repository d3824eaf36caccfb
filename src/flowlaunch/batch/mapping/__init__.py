"""The way from columns to a flow's inputs: settled once, then one typed launch or one rejection a row."""

from flowlaunch.batch.mapping.mapper import RowMapper, launch_token
from flowlaunch.batch.mapping.spec import MappingSpec, RowColumns, ValueForms, load_mapping, parse_assignments

__all__ = [
    "MappingSpec",
    "RowColumns",
    "RowMapper",
    "ValueForms",
    "launch_token",
    "load_mapping",
    "parse_assignments",
]
