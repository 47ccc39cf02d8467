"""How a deadline may be written: regular expressions that reading and marts share, each with its kind and its parts.

The ways are data, `contracts/vocabulary/deadline_patterns.csv`. Each part in braces has one group, but for `until`.
"""

from __future__ import annotations

from functools import cache

from contracts.vocabulary import shared

PARTS = {
    "until": "(?:до|к|не позднее|в срок до|по)",
    "day": "(0?[1-9]|[12][0-9]|3[01])",
    "month": "(янв|фев|мар|апр|ма[йяе]|июн|июл|авг|сен|окт|ноя|дек)[а-я]*",
    "month_number": "(0?[1-9]|1[0-2])",
    "year": "((?:19|20)[0-9]{2})(?: ?(?:год|года|году|г))?",
}
ONGOING = "ongoing"
"""The kind of what holds all the academic year."""


@cache
def deadline_patterns() -> tuple[tuple[str, tuple[str, ...], str], ...]:
    """Kind, names of the groups and regular expression of each way, for small letters with plain spaces and dashes."""
    return tuple(
        (row["kind"], tuple(row["groups"].split()), _filled(row["pattern"])) for row in shared("deadline_patterns")
    )


def _filled(pattern: str) -> str:
    for name, part in PARTS.items():
        pattern = pattern.replace(f"{{{name}}}", part)
    return pattern
