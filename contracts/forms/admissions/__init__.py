"""«Динамика приёма в колледжи»: all that belongs to this form alone."""
