"""What is agreed: the language of forms, grids and readings, and the rules that every form shares."""
