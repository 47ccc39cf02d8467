"""Versions: which rules and which inputs judge a date."""
