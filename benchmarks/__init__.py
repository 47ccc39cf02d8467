"""Measurements against floors that are taken in the same run; `python -m benchmarks` runs them all."""
