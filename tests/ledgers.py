"""The marts that tell of publications: they remember what was taken back, and in how many steps it came."""

from warehouse.marts.definitions import views

LEDGERS = tuple(view.name for view in views() if ("ops", "publication") in view.reads)
