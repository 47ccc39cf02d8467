"""«Программы дополнительного образования»: clubs and sections of the navigator."""
