"""«Нормативные документы»: all that belongs to this form alone."""
