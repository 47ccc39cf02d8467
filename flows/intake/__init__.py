"""Intake: from files in an inbox to readings in the warehouse."""
