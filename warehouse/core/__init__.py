"""Core: transactions, locks, COPY, and rows as frames."""
