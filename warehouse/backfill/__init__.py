"""Backfill: reading or judging the past again, as proposals that are compared and applied."""
