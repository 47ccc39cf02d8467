"""«Поручения по итогам совещания»: what was asked for, by which deadline, and what is said of it."""
