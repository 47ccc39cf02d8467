"""Upkeep: backup, the doctor's examination, and retention."""
