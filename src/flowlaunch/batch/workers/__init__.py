"""Workers on any number of machines: chunks of batches as jobs in the ledger's own database."""
