"""Marts: one SELECT each, their checks, and publishing them."""
