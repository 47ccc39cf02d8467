"""Outbox: receipts and templates, written for their senders."""
