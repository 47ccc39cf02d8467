"""«Реестр школ»: all that belongs to this form alone."""
