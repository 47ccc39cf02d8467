"""`docs/systems.md`: what becomes of each system of the source, from its forms to its slide; made of what is there.

python -m flows.cli.systems_page > docs/systems.md
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable

from contracts.vocabulary import rows
from flows.presentation.slide_data import lines
from warehouse.incidents.condition import conditions
from warehouse.marts.definitions import marts, views

HEAD = """# The systems of the source

Each of the sixteen systems of the source, some in two rows: where it stands there, which forms bring it, which marts
tell of it, which conditions open an incident, which slides of `profmin deck` show it. The figure by which a night and
`region_profile` tell of a system is in `contracts/vocabulary/systems.csv` and `system_figures.csv`. Marts that join
systems are not repeated here, nor are conditions that are asked of every form or of every mart (nothing sent, not
accepted, held, a band that fell, a total that moved, a pace that misses the end).

This page is made by `python -m flows.cli.systems_page > docs/systems.md`.
"""
NAMED = re.compile(r"'\w+'|\bmart\.\w+")
NOTHING = "—"


def systems_page() -> str:
    """The page: a row a system, in the order of the source."""
    told = [
        HEAD,
        "| № | system | lines of the source | forms | marts | conditions | slides |",
        "|--:|---|---|---|---|---|---|",
    ]
    for row in sorted(rows("systems"), key=lambda row: int(row["number"])):
        forms = row["forms"].split()
        of_system = sorted({*marts_of(forms), row["mart"]})
        cells = (
            row["number"], f"{row['title']} (`{row['system']}`)", row["source"], _codes(forms), _codes(of_system),
            _codes(conditions_of(forms, of_system)), "; ".join(slides_of(of_system)) or NOTHING,
        )  # fmt: skip
        told.append(f"| {' | '.join(cells)} |")
    return "\n".join(told) + "\n"


def marts_of(forms: Iterable[str]) -> list[str]:
    """Marts whose figures are those of these forms, and views on nothing but such marts."""
    of_forms = [mart.name for mart in marts() if mart.form in forms]
    return sorted([*of_forms, *(view.name for view in views() if view.marts_read <= set(of_forms))])


def conditions_of(forms: Iterable[str], marts_there: Iterable[str]) -> list[str]:
    """Conditions that name one of these forms, or read one of these marts."""
    named = {*(f"'{form}'" for form in forms), *(f"mart.{mart}" for mart in marts_there)}
    return sorted(name for name, each in conditions().items() if named & set(NAMED.findall(each.select)))


def slides_of(marts_there: Iterable[str]) -> list[str]:
    """Titles of the slides that show one of these marts."""
    return [line.title for line in lines() if line.mart in marts_there]


def _codes(names: Iterable[str]) -> str:
    return " ".join(f"`{name}`" for name in names) or NOTHING


if __name__ == "__main__":
    sys.stdout.write(systems_page())
