"""Crosstabs: grids of cells under headings on two edges, made into rows."""
