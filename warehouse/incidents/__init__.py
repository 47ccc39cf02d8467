"""Incidents: what is wrong now, what is told of it, and what senders owe."""
