"""«План регистрации»: all that belongs to this form alone."""
