"""«Программы профессионального обучения»: which professions a pupil can learn, by the navigator of professions."""
