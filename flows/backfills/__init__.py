"""Backfills: planning, reporting and applying."""
