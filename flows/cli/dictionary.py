"""`profmin dictionary`: the marts and their columns in words, as Markdown; `docs/dictionary.md` is its output."""

from __future__ import annotations

import sys

from flows.home.usage import must_be_known
from warehouse.marts.definitions import Mart, marts, views
from warehouse.marts.published import mart_named, mart_names

HEAD = """# Словарь витрин

Всё, что читает BI, лежит в схеме `mart`. Доли — точные дроби, проценты показывает BI; пустое значение — «неизвестно»,
а не ноль. Витрина на прошлую дату, какой её знали в тот момент: `mart.<витрина>_as_known(дата, момент)` или
`profmin mart <витрина> --as-of ДАТА --known-at МОМЕНТ`.

Этот файл пишет `profmin dictionary > docs/dictionary.md`.
"""


def show_dictionary(name: str | None) -> None:
    """Print the dictionary of one mart, or of all. Raises UsageError for a name that is not a mart."""
    if name is None:
        sys.stdout.write(dictionary())
        return
    must_be_known([name], mart_names(), "mart")
    sys.stdout.write(section(mart_named(name)))


def dictionary() -> str:
    """All marts, then the views that sum them."""
    parts = [HEAD, "## Витрины\n", *map(section, marts()), "## Итоги поверх витрин\n", *map(section, views())]
    return "\n".join(parts)


def section(mart: Mart) -> str:
    lines = [f"### {mart.name}", "", mart.about, ""]
    if mart.key:
        lines += [f"Ключ: `as_of`, {', '.join(f'`{column}`' for column in mart.key)}.", ""]
    lines += ["| столбец | название | что это |", "|---|---|---|"]
    for column, caption in mart.captions.items():
        title, _, meaning = caption.partition(". ")
        cells = (f"`{column}`", title.rstrip("."), meaning)
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines) + "\n"
