"""Terms of study: «10 мес.», «1,5 года», «2 года 10 месяцев», as whole months."""

from __future__ import annotations

import re
from decimal import Decimal

from contracts.form import Column
from transforms.cells.cell_value import NOTHING, UNREAD, Meaning, is_nothing, plain

TERM = re.compile(
    r"(?:(?P<years>\d{1,2}(?:[.,]\d)?) ?(?:год|года|лет|г)\.?)?,? ?(?:и )?"
    r"(?:(?P<months>\d{1,3})(?:[.,]0)? ?(?:мес|месяц|месяца|месяцев|м)\.?)?"
)
NUMBER = re.compile(r"(\d{1,3})(?:[.,]0)?")
WORDS = {"полгода": 6, "год": 12, "один год": 12, "полтора года": 18}
MONTHS_OF_A_YEAR = 12


def months(text: str, _: Column) -> Meaning:
    """The months of a term; weeks, days and «учебный год» are no whole months, and are not guessed."""
    body = plain(text).strip(" .")
    if is_nothing(body):
        return NOTHING
    if body in WORDS:
        return Meaning(WORDS[body])
    if bare := NUMBER.fullmatch(body):
        return Meaning(int(bare[1]))
    match = TERM.fullmatch(body)
    if match is None:
        return UNREAD
    of_years = Decimal((match["years"] or "0").replace(",", ".")) * MONTHS_OF_A_YEAR
    total = of_years + int(match["months"] or 0)
    return Meaning(int(total)) if total == int(total) else UNREAD
