"""«План профориентационных мероприятий»: what districts plan month by month, and what became of it."""
