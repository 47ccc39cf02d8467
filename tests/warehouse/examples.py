"""Examples of marts: facts that are given and rows that must come of them, as tables in Markdown beside the marts.

    ## A school that the report leaves out is missing

    **school_register** department 2023-09-01

    | school_code | subordination |
    |---|---|
    | a1 | asinovsky |

    **readiness_report** asinovsky 2023-09-08; verdict partial; rows_quarantined 1
    **+ school_outcome_fact**
    **ops.statement**
    **pupil_flow** 2023-09-07 2023-09-08
    **pupil_journey** 2023-09-08
    **publish** 2023-09-08
    **expect** 2023-09-08

A given reading is its form, its sender and its date, then columns of its reading or delivery that matter; the table
below has its facts. `+` is another table of the same reading, a name with a dot a table of rows that stand for
themselves. `pupil_flow` is how many pupils went from which school, grade and state to which between the exports of two
days, `pupil_journey` how far those of the academic year came by the exports up to a day. What else must be there is
filled. `publish` publishes every mart for a date: a view on marts shows what was published. `expect only` says that the
mart has no other rows; else rows are found by those columns of the key that are shown. A blank cell is NULL, a fraction
(2/3) is exact.
"""

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from itertools import count
from pathlib import Path

import sqlalchemy as sa

from warehouse.marts.country import COUNTRY
from warehouse.marts.definitions import FOLDER, Mart
from warehouse.marts.publication import EVERYTHING, publish_within
from warehouse.marts.states import put_states_aside
from warehouse.schema.input_versions import pin

Cells = dict[str, str | None]
GIVEN = re.compile(r"\*\*(\w+)\*\* (\w+) (\d{4}-\d\d-\d\d)(?:; (.+))?")
MORE = re.compile(r"\*\*(?:\+ (\w+)|(\w+\.\w+))\*\*")
FLOW = re.compile(r"\*\*pupil_flow\*\* (\d{4}-\d\d-\d\d) (\d{4}-\d\d-\d\d)")
JOURNEY = re.compile(r"\*\*pupil_journey\*\* (\d{4}-\d\d-\d\d)")
PUBLISHED = re.compile(r"\*\*publish\*\* (\d{4}-\d\d-\d\d)")
EXPECTED = re.compile(r"\*\*expect( only)?\*\* (\d{4}-\d\d-\d\d)")
RULE = re.compile(r"\|(?:-+\|)+")
PLACES = {"school_outcome_fact": "core", "control_total_fact": "core", "finding": "ops"}
"""Table of a reading → its schema."""
COLUMNS = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull AND NOT a.atthasdef AND a.attidentity = ''
FROM pg_attribute a WHERE a.attrelid = to_regclass(:table) AND a.attnum > 0 AND NOT a.attisdropped
"""
CAMPAIGN = """
SELECT c.campaign FROM ref.campaign_at('69', :as_of) c JOIN ref.form f ON f.campaign_form = c.campaign_form
WHERE f.form = :form AND f.expected = 'campaign'
"""
SCHOOL = """
WITH made AS (
    INSERT INTO ref.school_identity (school_code, region) VALUES (:code, '69') ON CONFLICT DO NOTHING
    RETURNING school_id
)
SELECT school_id FROM made UNION SELECT school_id FROM ref.school_identity WHERE school_code = :code
"""
COMPARED = """
INSERT INTO core.pupil_comparison (before_reading_id, reading_id)
SELECT max(r.reading_id) FILTER (WHERE r.as_of = :before), max(r.reading_id) FILTER (WHERE r.as_of = :now)
FROM ops.reading r WHERE r.form = 'registration_export'
RETURNING before_reading_id, reading_id
"""
MADE_OF = "SELECT reading_id, made_of FROM core.journey_of('69', :day, 'infinity')"
FILLED = {"text": "-", "bigint": "0", "date": "2023-09-08", "timestamp with time zone": "2023-09-08 05:00+00"}
CLOSE = Fraction(1, 10**9)
_turn = count(1)


@dataclass
class Table:
    """What stands above a table, and its rows."""

    heading: str
    columns: list[str] = field(default_factory=list)
    rows: list[Cells] = field(default_factory=list)


@dataclass(frozen=True)
class Example:
    """A case of a mart: its title, and its tables in their order."""

    mart: str
    title: str
    tables: tuple[Table, ...]


def examples() -> list[Example]:
    """Every example of every mart."""
    return [each for path in sorted(FOLDER.glob("*/examples/*.md")) for each in of_file(path)]


def of_file(path: Path) -> Iterator[Example]:
    """The examples of a file; what is neither a heading nor a table is prose."""
    for case in re.split(r"^## ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        title, *lines = case.splitlines()
        tables: list[Table] = []
        for line in map(str.strip, lines):
            if line.startswith("**"):
                tables.append(Table(line))
            elif line.startswith("|") and not tables[-1].columns:
                tables[-1].columns = cells(line)
            elif line.startswith("|") and not RULE.fullmatch(line):
                found = [cell or None for cell in cells(line)]
                tables[-1].rows.append(dict(zip(tables[-1].columns, found, strict=True)))
        yield Example(path.stem, title, tuple(tables))


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.removeprefix("|").removesuffix("|").split("|")]


def differences(connection: sa.Connection, mart: Mart, example: Example) -> list[str]:
    """Where the rows of a mart are not those that an example expects; what is given is written by the connection's
    transaction. Raises ValueError for a heading that is none."""
    found: list[str] = []
    reading = 0
    for table in example.tables:
        if expected := EXPECTED.fullmatch(table.heading):
            found += compared(connection, mart, table, dt.date.fromisoformat(expected[2]), is_all=bool(expected[1]))
        elif published := PUBLISHED.fullmatch(table.heading):
            publish_within(connection, "69", [dt.date.fromisoformat(published[1])])
            connection.execute(sa.text("DISCARD TEMP"))  # what was put aside lies there until the transaction ends
        elif flow := FLOW.fullmatch(table.heading):
            asked = {"before": dt.date.fromisoformat(flow[1]), "now": dt.date.fromisoformat(flow[2])}
            pair = connection.execute(sa.text(COMPARED), asked).mappings().one()
            put(connection, "core.pupil_flow", table.rows, {name: str(number) for name, number in pair.items()})
        elif journey := JOURNEY.fullmatch(table.heading):
            made_of = connection.execute(sa.text(MADE_OF), {"day": dt.date.fromisoformat(journey[1])}).mappings().one()
            put(connection, "core.pupil_journey", table.rows, {name: str(said) for name, said in made_of.items()})
        elif given := GIVEN.fullmatch(table.heading):
            form, sender, as_of, more = given.groups()
            further = dict(part.split(" ", 1) for part in more.split("; ")) if more else {}
            reading = read(connection, {"form": form, "sender": sender, "as_of": as_of, **further}, table.rows)
        elif more_rows := MORE.fullmatch(table.heading):
            name = f"{PLACES[more_rows[1]]}.{more_rows[1]}" if more_rows[1] else more_rows[2]
            put(connection, name, table.rows, {"reading_id": str(reading)} if more_rows[1] else {})
        else:
            raise ValueError(f"this is no heading of a table: {table.heading}")
    return found


def read(connection: sa.Connection, given: Mapping[str, str], facts: Sequence[Cells]) -> int:
    """Write a reading with its delivery and its facts; returns its id."""
    received = given.get("received_at", f"{given['as_of']} 05:00+00")
    number = next(_turn)
    delivery = {"sha256": f"{number:064x}", "received_at": received, "counts_at": received}
    delivery_id = put(connection, "ops.delivery", [{**delivery, **given}])
    is_refused, is_held = given.get("verdict") == "refused", given.get("status") == "held"
    counted = {
        "rows_loaded": str(len(facts)),
        "rows_quarantined": given.get("rows_quarantined", "0"),
        "rows_not_data": given.get("rows_not_data", "0"),
    }
    made = {
        "delivery_id": str(delivery_id),
        "campaign": connection.scalar(sa.text(CAMPAIGN), given),
        "slice": None if is_refused else f"{given['form']}/{given['sender']}/{given['as_of']}/{number}",
        "status": "current",
        "verdict": "accepted",
        "became_current_at": None if is_held else received,
        "held_at": received if is_held else None,
        "read_at": received,
        **counted,
        "rows_read": str(sum(map(int, counted.values()))),
    }
    reading_id = put(connection, "ops.reading", [{**made, **given}])
    put(connection, f"core.{given['form']}_fact", facts, {"reading_id": str(reading_id)})
    return reading_id


def put(connection: sa.Connection, table: str, rows: Sequence[Cells], more: Mapping[str, str] | None = None) -> int:
    """Insert rows and fill what they lack; returns the number of the last one, if they are numbered.

    A school that is named by its code is known by it. What a row says that is no column of the table is left out.
    """
    columns = connection.execute(sa.text(COLUMNS), {"table": table}).tuples().all()
    last = 0
    for row in rows:
        said: Cells = {"region": "69", **row, **(more or {})}
        if any(name == "school_id" for name, _, _ in columns) and (code := row.get("school_code")):
            said["school_id"] = str(connection.scalar(sa.text(SCHOOL), {"code": code}))
        for name in {name for name, _, _ in columns} & {"from_school_id", "to_school_id"}:
            code = row.get(name.removesuffix("_id"))
            said[name] = str(connection.scalar(sa.text(SCHOOL), {"code": code})) if code else None
        kinds = {name: kind for name, kind, is_needed in columns if name in said or is_needed}
        values = {name: said.get(name, FILLED.get(kind)) for name, kind in kinds.items()}
        casts = ", ".join(f"cast(:{name} AS {kind})" for name, kind in kinds.items())
        names = ", ".join(kinds)
        numbered = f" RETURNING {columns[0][0]}" if columns[0][0].endswith("_id") else ""
        inserted = connection.execute(sa.text(f"INSERT INTO {table} ({names}) VALUES ({casts}){numbered}"), values)
        last = inserted.scalar_one() if numbered else 0
    return last


def compared(connection: sa.Connection, mart: Mart, table: Table, as_of: dt.date, *, is_all: bool) -> list[str]:
    """Where the rows of a mart on a day are not those of a table; of a view, those that were published."""
    pin(connection, "69", [as_of])
    put_states_aside(connection, "69", as_of, EVERYTHING)
    statement = mart.statement
    if mart.is_view:
        statement = f"SELECT * FROM {mart.relation} WHERE region = :region AND as_of = :as_of"
    region = COUNTRY if mart.audience.kind == "country" else "69"
    asked = {"region": region, "as_of": as_of, "known_at": EVERYTHING}
    found = connection.execute(sa.text(statement), asked).mappings().all()
    key = [column for column in table.columns if column in mart.key]
    wrong = [f"{len(found)} rows, not {len(table.rows)}"] if is_all and len(found) != len(table.rows) else []
    for row in table.rows:
        same = [each for each in found if all(is_same(each[column], row[column]) for column in key)]
        name = " ".join(str(row[column]) for column in key)
        if len(same) != 1:
            wrong.append(f"{name}: {len(same)} rows")
            continue
        wrong += [f"{name}, {column}: {same[0][column]}, not {expected}" for column, expected in row.items()
                  if not is_same(same[0][column], expected)]  # fmt: skip
    return wrong


def is_same(value: object, cell: str | None) -> bool:
    """Is a figure that of a cell? Fractions are compared as such, moments in UTC to the minute."""
    if value is None or cell is None:
        return value is cell
    if isinstance(value, bool):
        return str(value).lower() == cell
    if isinstance(value, int | Decimal):
        return abs(Fraction(value) - Fraction(cell)) < CLOSE
    if isinstance(value, dt.datetime):
        return f"{value.astimezone(dt.UTC):%Y-%m-%d %H:%M}" == cell
    return str(value) == cell
