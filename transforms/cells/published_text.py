"""Texts that a site published as HTML: without its marks, and lists of them as items.

A list comes as `<ul style=…>` whose `<li>` are lost; items are then parted by semicolons, and where one of these is
lost too, by a capital letter at which a new item can begin (`contracts/vocabulary/item_endings.csv`).
"""

from __future__ import annotations

import re
from functools import cache
from html.parser import HTMLParser

from contracts.form import Column
from contracts.vocabulary import shared
from transforms.cells.cell_value import NOTHING, SPACES, Meaning, is_nothing, plain

PARTS_TEXT = frozenset({"br", "dd", "div", "dt", "li", "ol", "p", "td", "tr", "ul"})
"""Marks at which a line ends, as a browser shows it."""
BETWEEN_ITEMS = re.compile(r"[;\n\r]+")
AROUND = " \t.,;•·*–—-"
"""Signs at the ends of an item: bullets, and what parted it from its neighbours."""
BETWEEN = "; "


class _Shown(HTMLParser):
    """What a browser would show of a text: its data, with a line break at each mark that parts text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in PARTS_TEXT:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def without_marks(text: str) -> str:
    """The text that is shown, line breaks kept; a text without marks is itself."""
    if "<" not in text and "&" not in text:
        return text
    reader = _Shown()
    reader.feed(text)
    reader.close()
    return "".join(reader.parts)


def markup(text: str, _: Column) -> Meaning:
    """A text in one line."""
    shown = SPACES.sub(" ", without_marks(text)).strip()
    return NOTHING if is_nothing(plain(shown)) else Meaning(shown)


def items(text: str, column: Column) -> Meaning:
    """The items of a list, parted by semicolons.

    Where separators were lost, the column's rule `mended` says how many items there are and before which words.
    """
    stated = [tidy for part in BETWEEN_ITEMS.split(without_marks(text)) if (tidy := _tidy(part))]
    if not stated or is_nothing(plain(" ".join(stated))):
        return NOTHING
    found, lost = [], []
    for item in stated:
        first, *others = _beginning().split(item)
        found += [first, *others]
        lost += [f"«{other.split(' ', 1)[0]}»" for other in others]
    value = BETWEEN.join(found)
    if not lost:
        return Meaning(value)
    return Meaning(value, rule=column.mended, shown=f"пунктов {len(found)}: разделителя нет перед {', '.join(lost)}")


def _tidy(part: str) -> str:
    return SPACES.sub(" ", part).strip(AROUND)


@cache
def _beginning() -> re.Pattern[str]:
    """The space, after a small letter, before a capitalised word with which an item can begin."""
    endings = "|".join(re.escape(row["ending"]) for row in shared("item_endings"))
    return re.compile(rf"(?<=[а-яё0-9)»]) (?=[А-ЯЁ][а-яё]*(?:{endings})\b)")
