"""Runs: the book of runs, what one came to, and how things stand."""
