"""Rows: each checked against its contract, with one outcome, and counted."""
