"""Small deliveries to test with: a good one of each form, and a way to change it."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from contracts.forms import form_named
from contracts.grid import Blocks, Grid, Sheet, Unreadable, Value
from contracts.reading import Reading
from contracts.vocabulary import reporting_units
from transforms.identity.identify import Context, Delivery
from transforms.interpret import interpret

GOLDEN = Path(__file__).parent / "golden"
AS_OF = dt.date(2023, 9, 8)
RECEIVED = dt.datetime(2023, 9, 8, 12, tzinfo=dt.UTC)
Cells = Mapping[str, Value]

SCHOOLS = pl.DataFrame(
    [
        (1, "700001", "МБОУ «Тестовая СОШ»", "chainsky", "chainsky", 120),
        (2, "700002", "МАОУ гимназия № 1", "tomsk_city", "tomsk_city", 400),
        (3, "700003", "МБОУ «Школа-сад»", "strezhevoy", "strezhevoy", 90),
        (4, "700004", "МБОУ «Школа-сад»", "seversk", "seversk", 90),
    ],
    schema=["school_id", "school_code", "short_name", "territory", "subordination", "pupils_6_11"],
    orient="row",
)

REPORT: Cells = {
    "school_code": "700001", "school_name": "МБОУ «Тестовая СОШ»", "level": "базовый", "grades": "6–11",
    "hours_curricular": 4, "hours_rmg": 34, "hours_practice": None, "hours_parents": 2, "hours_supplementary": None,
    "hours_vocational": None, "hours_total": 40, "responsible_position": "заместитель директора",
    "order_number": "17-о", "order_date": "25.08.2023", "navigators": 2, "navigators_trained": 1,
    "rmg_in_timetable": "да", "rmg_weekday": "четверг", "parent_meetings": 2, "practice_events": 1,
    "partner_agreements": 1, "pupils_total": 120, "pupils_planned": 80, "profile_classes": 0,
}  # fmt: skip
MAIN: Cells = {
    "level": "основной", "hours_curricular": 9, "hours_practice": 12, "hours_supplementary": 3, "hours_total": 60,
}  # fmt: skip
ADVANCED: Cells = {
    "level": "продвинутый", "hours_curricular": 11, "hours_practice": 18, "hours_parents": 4, "hours_supplementary": 3,
    "hours_vocational": 10, "hours_total": 80, "profile_classes": 1,
}  # fmt: skip
PUPIL: Cells = {
    "municipality": "Чаинский муниципальный район", "school_name": "МБОУ «Тестовая СОШ»",
    "full_name": "Тестов Иван Образцович", "birth_date": "12.03.2010", "grade": 7, "grade_letter": "А",
    "verification": "Верифицирован", "last_login": "01.09.2023", "archived_on": "Нет", "diagnostics": 2,
}  # fmt: skip
SCHOOL: Cells = {
    "school_code": "700001", "short_name": "МБОУ «Тестовая СОШ»", "territory": "Чаинский муниципальный район",
    "subordination": "Чаинский муниципальный район", "oktmo": "69656000", "inn": "7017000001", "grades": "6–11",
    "pupils_6_11": 120,
}  # fmt: skip


def units(**cells: Value) -> list[Cells]:
    """A row for each reporting unit, Чаинский first."""
    names = reporting_units(AS_OF)["name"].to_list()
    names.sort(key=lambda name: name != "Чаинский муниципальный район")
    return [{"reporting_unit": name, **cells} for name in names]


GOOD: dict[str, list[Cells]] = {
    "readiness_report": [REPORT],
    "registration_export": [PUPIL],
    "school_register": [SCHOOL],
    "registration_plan": units(plan_pupils=50, plan_source="Решение № 1"),
    "readiness_summary": units(schools=1, accepted=1, accepted_rate="100%", rejected=0, missing=0),
    "registration_summary": units(plan_pupils=200, actual_pupils=50, completion_rate="25,00%", balance=150),
}
OF_FORMS = {path.parent.name: tomllib.loads(path.read_text("utf-8")) for path in GOLDEN.glob("*/examples.toml")}
"""What a form's folder of golden cases says of its rules: good rows, and changes of the first one that break and keep
each rule."""
GOOD |= {form: [told["good"], *told.get("more_good", ())] for form, told in OF_FORMS.items()}
TOTALS: dict[str, Cells] = {
    "registration_plan": {"reporting_unit": "Итого", "plan_pupils": 1050},
    "readiness_summary": {"reporting_unit": "Итого", "schools": 21, "accepted": 21, "rejected": 0, "missing": 0},
    "registration_summary": {"reporting_unit": "Итого", "plan_pupils": 4200, "actual_pupils": 1050, "balance": 3150},
}
TOTAL_OF_REPORT: Cells = {"school_name": "Итого", "navigators": 2, "pupils_total": 120}
SENDERS = {
    "readiness_report": "chainsky", "readiness_summary": "department", "registration_summary": "department",
    "school_register": "department", "registration_plan": "regional_operator",
    "registration_export": "regional_operator",
    **{form: told["sender"] for form, told in OF_FORMS.items()},
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Sent:
    """A good delivery of a form, changed: `cells` in its first row, `total` in its row «Итого», and as named.

    `more` are further rows, `most` says how many of the good ones are there, `headings` are further columns that stay
    blank, `without` columns left out, `above` the lines over the table, `beside` further sheets; `register` are the
    schools known, and `content` replaces it all.
    """

    form: str
    cells: Cells = field(default_factory=dict)
    total: Cells | None = None
    more: Sequence[Cells] = ()
    most: int | None = None
    without: tuple[str, ...] = ()
    headings: tuple[str, ...] = ()
    above: tuple[str, ...] = ("по состоянию на 08.09.2023",)
    beside: tuple[Sheet, ...] = ()
    file: str = "таблица.xlsx"
    folder: str | None = ""
    received: dt.datetime = RECEIVED
    claimed: dt.datetime | None = None
    unowned: str | None = None
    register: pl.DataFrame | None = field(default_factory=lambda: SCHOOLS)
    content: Grid | Blocks | Unreadable | None = None

    def grid(self) -> Grid:
        columns = [c for c in form_named(self.form).edition_at(AS_OF).columns if c.name not in self.without]
        first, *others = GOOD[self.form]
        total = TOTALS.get(self.form) if self.total is None else self.total
        rows = [*[{**first, **self.cells}, *others][: self.most], *self.more, *([total] if total else [])]
        body = [[row.get(column.name) for column in columns] for row in rows]
        heading: list[Value] = [*(column.title for column in columns), *self.headings]
        return Grid([Sheet("Лист1", [*([line] for line in self.above), heading, *body]), *self.beside], "xlsx")

    def delivery(self) -> Delivery:
        folder = SENDERS[self.form] if self.folder == "" else self.folder
        content = self.content or self.grid()
        return Delivery(self.file, "0" * 64, folder, self.received, content, self.claimed, self.unowned)

    def read(self) -> Reading:
        return drained([self.delivery()], Context(register=self.register, secret=b"test"))[0]


def drained(deliveries: Sequence[Delivery], context: Context) -> list[Reading]:
    """Readings, those of pupil exports too, which are read to their end."""
    found = []
    for each in interpret(deliveries, context):
        if not isinstance(each, Reading):
            for _ in each:
                pass
        found.append(each if isinstance(each, Reading) else each.reading())
    return found
