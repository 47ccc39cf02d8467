"""«Выполнение часов»: how many hours each class was given, by direction and month."""
