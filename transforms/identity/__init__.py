"""Identity: which form a delivery is, whose it is and for when."""
