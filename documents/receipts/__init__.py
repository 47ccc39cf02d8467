"""Receipts: the sender's own workbook with what was found in it."""
