"""What came of a batch: tallies, the summary, exports joined to the input rows, rejected rows."""
