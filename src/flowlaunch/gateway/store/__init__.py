"""The gateway's own SQL, in the ledger's database and its transactions."""
