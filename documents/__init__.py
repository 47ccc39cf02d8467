"""Files as people make them and read them."""
