"""From cells to facts, without files, clocks or SQL."""
