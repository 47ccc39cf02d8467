"""Formats: one module a kind of file, and what kinds have in common."""
