"""How a date stands beside the number of a paper: «№ 15-о от 25.08.2023», «273-ФЗ (ред. от 04.08.2023)».

Patterns for Python and for polars: no look-arounds, small letters.
"""

from __future__ import annotations

MONTH = r"(?:янв|фев|мар|апр|ма[йя]|июн|июл|авг|сен|окт|ноя|дек)[а-яё]*\.?"
DAY = rf"\d{{1,2}}\.\d{{1,2}}\.(?:\d{{4}}|\d{{2}})|\d{{4}}-\d{{2}}-\d{{2}}|[«\"]?\d{{1,2}}[»\"]?\s+{MONTH}\s+\d{{4}}"
AMENDED = r"\s*(?:\(\s*(?:в\s+)?(?:ред|с\s+изм|с\s+доп)[^)]*\)|,?\s(?:в\s+ред|с\s+изм|с\s+доп)[а-яё]*\.?\s.*$)"
"""When a paper was changed, which is no date of its own."""
