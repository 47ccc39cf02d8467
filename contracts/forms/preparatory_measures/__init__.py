"""«Организационно-подготовительные мероприятия»: all that belongs to this form alone."""
