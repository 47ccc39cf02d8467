"""«Распределение классов по уровням»: which level each class of a school has chosen, and how many pupils take part."""
