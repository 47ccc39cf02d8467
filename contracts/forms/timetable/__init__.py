"""«Расписание занятий»: all that belongs to this form alone."""
