"""Headings: which texts of a sheet are those of a form, and which rows stand under them as data."""
