"""Rows of a file, standard input or a query: streamed, with bad records as values."""

from flowlaunch.batch.rows.feed import file_sha256
from flowlaunch.batch.rows.options import Detected, ReadOptions
from flowlaunch.batch.rows.source import RowSource, open_rows

__all__ = ["Detected", "ReadOptions", "RowSource", "file_sha256", "open_rows"]
