"""The report of a batch: one HTML page that stands alone and can be forwarded."""
