"""Schema: bringing a database up to date, reference data, versions of inputs, and who may read."""
