"""Tables: which form a delivery is, whose and for when, where its tables and headings are."""
