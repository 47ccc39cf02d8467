"""Deliveries: what came, what it says, and what of it counts."""
