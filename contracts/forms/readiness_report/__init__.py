"""«Отчёт о готовности»: all that belongs to this form alone."""
