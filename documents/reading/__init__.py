"""Reading: any bytes to a grid, in processes that can be lost."""
