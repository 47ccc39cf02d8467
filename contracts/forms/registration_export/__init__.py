"""The platform's export of pupils: all that belongs to this form alone."""
