"""The published figures of levels and coverage: all that belongs to this form alone."""
