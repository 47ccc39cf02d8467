"""The published summary of registration: all that belongs to this form alone."""
