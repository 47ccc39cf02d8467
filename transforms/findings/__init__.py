"""Findings: a broken rule with its place and its words, and what of a person may be shown."""
