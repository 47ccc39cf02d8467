"""«Профильные предпрофессиональные классы»: which classes have a profile, with whom, and by which order."""
