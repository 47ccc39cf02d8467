"""Home: the settings, the log, faults told in words, and the way to the database."""
