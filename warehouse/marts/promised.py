"""Names that BI may rely on: every column of every mart, since when; of one that went when, and what is in its place.

`promised.csv` is kept by hand and held against the marts by `make lint`, which works in a clone without history too. A
line never goes: a column that does gets `gone` and `instead`, and so does one that becomes of another kind, which is
then new as well. `python -m warehouse.marts.promised add` writes the lines of new columns, and the page.
"""

from __future__ import annotations

import csv
import datetime as dt
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from warehouse.marts.columns import kind
from warehouse.marts.definitions import live, marts, views

FILE = Path(__file__).with_name("promised.csv")
PAGE = FILE.parents[2] / "docs" / "columns.md"
HEAD = """# Журнал столбцов

Имена витрин и столбцов из схемы `mart` обещаны: [что это значит](bi.md#что-обещано). Здесь — какой столбец с какого
дня есть, какие ушли и чем заменены. Страницу пишет `python -m warehouse.marts.promised add` из
`warehouse/marts/promised.csv`.
"""


@dataclass(frozen=True)
class Promise:
    """A column of a mart, its kind (as in columns.csv), the day since which it is there; the day on which it went and
    what is in its place, both empty while it is there. Days are in ISO form."""

    mart: str
    column: str
    kind: str
    since: str
    gone: str = ""
    instead: str = ""

    @property
    def name(self) -> str:
        """How a query calls it, and its kind."""
        return f"mart.{self.mart}.{self.column} ({self.kind})"


def promised() -> list[Promise]:
    """The lines, in their order."""
    with FILE.open(encoding="utf-8", newline="") as file:
        return [Promise(**row) for row in csv.DictReader(file)]


def there() -> dict[tuple[str, str], str]:
    """(mart, column) → kind of every column that BI can read now."""
    return {
        (mart.name, column): kind(column, *mart.kinds)[0]
        for mart in (*marts(), *views(), *live())
        for column in mart.columns
    }


def unheld(promises: Iterable[Promise], found: dict[tuple[str, str], str]) -> Iterator[str]:
    """What the marts do otherwise than promised, and lines that promise nothing, in words."""
    held = {(each.mart, each.column): each.kind for each in promises if not each.gone}
    for each in promises:
        name = (each.mart, each.column)
        if not each.gone and name not in found:
            yield f"{each.name} is promised and gone: keep it, or say in its line when it went and what is instead"
        elif not each.gone and found[name] != each.kind:
            yield f"{each.name} is promised and is now {found[name]}: keep it, or say when it went and what is instead"
        elif each.gone and (not each.instead or each.gone < each.since):
            yield f"{each.name}: a line of what went says when, after it came, and what is instead"
    for (mart, column), is_kind in found.items():
        if (mart, column) not in held:
            yield f"mart.{mart}.{column} ({is_kind}) is new: python -m warehouse.marts.promised add"


def with_new(promises: list[Promise], found: dict[tuple[str, str], str], since: str) -> list[Promise]:
    """The lines with those of new columns, by mart and day."""
    held = {(each.mart, each.column) for each in promises if not each.gone}
    new = [Promise(*name, is_kind, since) for name, is_kind in found.items() if name not in held]
    return sorted([*promises, *new], key=lambda each: (each.mart, each.since, bool(each.gone)))


def page(promises: Iterable[Promise]) -> str:
    """The changelog in Markdown, the newest day first."""
    came: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    went: dict[str, list[Promise]] = defaultdict(list)
    for each in promises:
        came[each.since][each.mart].append(f"`{each.column}`")
        if each.gone:
            went[each.gone].append(each)
    blocks = [HEAD]
    for day in sorted({*came, *went}, reverse=True):
        blocks.append(f"## {day}\n")
        if went[day]:
            lines = [f"| `{each.mart}.{each.column}` | {each.kind} | {each.instead} |" for each in went[day]]
            blocks.append("\n".join(["| ушёл | вид | вместо него |", "|---|---|---|", *lines]) + "\n")
        if came[day]:
            lines = [f"| `{mart}` | {', '.join(columns)} |" for mart, columns in sorted(came[day].items())]
            blocks.append("\n".join(["| витрина | новые столбцы |", "|---|---|", *lines]) + "\n")
    return "\n".join(blocks)


def _write(promises: Iterable[Promise]) -> None:
    with FILE.open("w", encoding="utf-8", newline="") as file:
        rows = csv.DictWriter(file, [field.name for field in fields(Promise)], lineterminator="\n")
        rows.writeheader()
        rows.writerows(asdict(each) for each in promises)


def main(arguments: list[str]) -> int:
    """`add` writes lines of new columns and the page; then says what is not as promised. Returns an exit code."""
    if arguments == ["add"]:
        _write(with_new(promised(), there(), dt.datetime.now(dt.UTC).date().isoformat()))
        PAGE.write_text(page(promised()), encoding="utf-8")
    wrong = list(unheld(promised(), there()))
    if PAGE.read_text(encoding="utf-8") != page(promised()):
        wrong.append(f"docs/{PAGE.name} is not what the lines say: python -m warehouse.marts.promised add")
    sys.stderr.writelines(f"{each}\n" for each in wrong)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
