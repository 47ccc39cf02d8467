"""The published summary of readiness: all that belongs to this form alone."""
