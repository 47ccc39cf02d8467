"""«Календарь приёма»: all that belongs to this form alone."""
