"""Tables: where they stand on a sheet, their edges, parts, merged cells and rows, and the names in them."""
