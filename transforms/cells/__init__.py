"""Cells: what the text of one cell means, a whole column at a time."""
