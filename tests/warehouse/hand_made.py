"""Readings made by hand: a small region, and the region of the source with its 21 units."""

import datetime as dt
import hashlib
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import polars as pl
import sqlalchemy as sa

from contracts.form import Form
from contracts.forms import FORMS, form_named
from contracts.known_rows import KnownRows
from contracts.reading import (
    CONTROL_TOTALS,
    FINDINGS,
    RAW_ROWS,
    SCHOOL_OUTCOMES,
    Finding,
    Layout,
    Reading,
    Rows,
    empty,
    findings_frame,
    kept,
)
from warehouse.core.transaction import begun
from warehouse.deliveries.decision import Decided, decide
from warehouse.deliveries.load import LoadResult, load, load_many, record_arrival
from warehouse.marts.auditing import checks
from warehouse.marts.definitions import marts, views
from warehouse.marts.published import mart, register
from warehouse.marts.states import put_states_aside
from warehouse.schema.input_versions import pin

Look = Callable[[sa.Connection, str, Sequence[dt.date], str], object]
"""Counts something of pupils for days of a region, as it was known at a moment."""
DAY = dt.date(2023, 9, 8)
NOON = dt.datetime(2023, 9, 8, 5, tzinfo=dt.UTC)
VERSION = "1"

# unit: schools, accepted, rejected, plan, actual (seed lines 188–244)
SEED = {
    "aleksandrovsky": (6, 6, 0, 153, 63), "asinovsky": (12, 4, 0, 462, 156), "bakcharsky": (7, 6, 1, 244, 131),
    "verkhneketsky": (6, 6, 0, 252, 10), "kedrovy": (2, 2, 0, 110, 44), "tomsk_city": (60, 50, 6, 3840, 1031),
    "strezhevoy": (8, 8, 0, 510, 248), "seversk": (17, 17, 0, 1020, 731), "zyryansky": (11, 11, 0, 204, 12),
    "kargasoksky": (15, 14, 1, 612, 149), "kozhevnikovsky": (15, 9, 2, 306, 239),
    "kolpashevsky": (15, 15, 0, 512, 210), "krivosheinsky": (10, 10, 0, 204, 113),
    "molchanovsky": (8, 4, 1, 478, 74), "parabelsky": (8, 8, 0, 219, 77), "pervomaysky": (14, 13, 1, 236, 109),
    "teguldetsky": (6, 5, 1, 140, 123), "tomsk_oblast_direct": (10, 7, 2, 265, 82),
    "tomsky_district": (35, 29, 3, 1037, 955), "chainsky": (8, 8, 0, 195, 196), "shegarsky": (12, 12, 0, 255, 75),
}  # fmt: skip

TAKEN_BACK = """
WITH request AS (
    INSERT INTO ops.backfill (status, requested_by, reason, forms, senders, from_as_of, to_as_of, contract_version,
                              planned_at, applied_at, reverted_at, region)
    VALUES ('reverted', 'Офицер', 'Ошибка оператора', '{}', '{}', :day, :day, '1', now(), now(), now(), '69')
    RETURNING backfill_id
)
UPDATE ops.reading SET status = 'reverted', superseded_at = ops.clock(),
    backfill_id = (SELECT r.backfill_id FROM request r)
WHERE reading_id = :gone
"""
AGAIN = "UPDATE ops.reading SET status = 'current', superseded_at = NULL WHERE reading_id = :again"
ALL = (*marts(), *views())
_turn = count()


def reading(form: str, sender: str, facts: pl.DataFrame, **changed: object) -> Reading:
    """An accepted reading of the form whose rows are all loaded, unless something else is said."""
    as_of = changed.get("as_of", DAY)
    assert isinstance(as_of, dt.date)
    by = {"readiness_report": "readiness-2023", "registration_plan": str(as_of.year)}.get(form, as_of.isoformat())
    made: dict[str, object] = {
        "file": f"{form}.xlsx",
        "sha256": "0" * 64,
        "form": form,
        "edition": "2023",
        "sender": sender,
        "as_of": DAY,
        "campaign": "readiness-2023" if form == "readiness_report" else None,
        "slice": f"{form}/{sender}/{by}",
        "verdict": "accepted",
        "rows": Rows(facts.height + 1, facts.height, 0, 1),
        "layout": Layout({"Школа": "school_name"}),
        "findings": empty(FINDINGS),
        "raw_rows": empty(RAW_ROWS),
        "facts": facts,
        "control_totals": empty(CONTROL_TOTALS),
        "school_outcomes": empty(SCHOOL_OUTCOMES),
    }
    return Reading(**{**made, **changed})  # type: ignore[arg-type]


def school_register(schools: Mapping[str, int], **changed: object) -> Reading:
    """A register: unit → how many schools report through it. Codes are `<unit>-1` and so on."""
    codes = [(f"{unit}-{number + 1}", unit) for unit, many in schools.items() for number in range(many)]
    facts = pl.DataFrame(
        {
            "school_code": [code for code, _ in codes],
            "short_name": [f"Школа {code}" for code, _ in codes],
            "territory": [unit for _, unit in codes],
            "subordination": [unit for _, unit in codes],
            "pupils_6_11": [100] * len(codes),
        },
        schema_overrides={"pupils_6_11": pl.Int64},
    )
    return reading("school_register", "department", facts, **changed)


def report(
    ids: Mapping[str, int], unit: str, accepted: Sequence[int], rejected: Sequence[int] = (), **changed: object
) -> Reading:
    """A readiness report on the unit's schools by number: accepted ones are loaded, rejected ones set aside."""
    facts = pl.DataFrame(
        {"school_id": [ids[f"{unit}-{number}"] for number in accepted], "level": ["basic"] * len(accepted)},
        schema={"school_id": pl.Int64, "level": pl.String},
    )
    told = [(number, "accepted", []) for number in accepted] + [
        (number, "rejected", ["RDY-010"]) for number in rejected
    ]
    outcomes = pl.DataFrame(
        {
            "school_id": [ids[f"{unit}-{number}"] for number, _, _ in told],
            "report_status": [status for _, status, _ in told],
            "rules": [rules for _, _, rules in told],
        },
        schema=SCHOOL_OUTCOMES,
    )
    findings = [finding("RDY-010", number + 1) for number in rejected]
    raw = [{"sheet": "Лист1", "row": 1, "outcome": "heading", "cells": ["Школа", None, ""]}]
    raw += [
        {
            "sheet": "Лист1",
            "row": number + 1,
            "outcome": "quarantined" if rules else "loaded",
            "cells": [f'"{number}"\\'],
        }
        for number, _, rules in told
    ]
    made: dict[str, object] = {
        "rows": Rows(len(told) + 1, len(accepted), len(rejected), 1),
        "verdict": "partial" if rejected else "accepted",
        "findings": findings_frame(findings),
        "raw_rows": pl.DataFrame(raw, schema=RAW_ROWS),
        "school_outcomes": outcomes,
    }
    return reading("readiness_report", unit, facts, **{**made, **changed})


def plan(pupils: Mapping[str, int], **changed: object) -> Reading:
    facts = pl.DataFrame({"reporting_unit": list(pupils), "plan_pupils": list(pupils.values())})
    return reading("registration_plan", "regional_operator", facts, **changed)


def export(ids: Mapping[str, int], pupils: Mapping[str, int], **changed: object) -> Reading:
    """An export: school code → registered pupils, all in grade 9."""
    facts = pl.DataFrame(
        {
            "school_id": [ids[code] for code in pupils],
            "grade": [9] * len(pupils),
            "actual_pupils": list(pupils.values()),
            "unverified_pupils": [1] * len(pupils),
            "archived_pupils": [0] * len(pupils),
        }
    )
    return reading("registration_export", "regional_operator", facts, **changed)


def refused(form: str | None, sender: str | None, **changed: object) -> Reading:
    found = findings_frame([finding("COM-012", None, "refuse")])
    made = {"slice": None, "verdict": "refused", "rows": Rows(3, 0, 2, 1), "findings": found}
    said = reading("readiness_report", "", pl.DataFrame(), **{**made, **changed})
    return replace(said, form=form, sender=sender, campaign=said.campaign if form == "readiness_report" else None)


def finding(rule: str, row: int | None, severity: str = "error") -> Finding:
    scope, sheet = ("row", "Лист1") if row else ("table", None)
    return Finding(rule, severity, scope, sheet, None, row, None, None, None, None, "Поправьте.")


def delivery(engine: sa.Engine, received_at: dt.datetime = NOON, name: str = "файл.xlsx") -> int:
    """The id of a new delivery with bytes of its own."""
    sha256 = hashlib.sha256(f"{name} {os.getpid()} {next(_turn)}".encode()).hexdigest()  # what is kept is of any worker
    with engine.begin() as connection:
        return record_arrival(connection, sha256, name, 10, received_at, sha256)[0]


def loaded(engine: sa.Engine, made: Reading, received_at: dt.datetime = NOON) -> LoadResult:
    return load(engine, made, delivery(engine, received_at), VERSION)


def accepted(engine: sa.Engine, result: LoadResult) -> Decided:
    """An officer's decision that a reading which waits is to count."""
    assert result.status == "held"
    return decide(engine, delivery_of(engine, result), "current", "Офицер", "Школы закрыты.")


def delivery_of(engine: sa.Engine, result: LoadResult) -> int:
    with engine.connect() as connection:
        statement = sa.text("SELECT delivery_id FROM ops.reading WHERE reading_id = :r")
        return int(connection.execute(statement, {"r": result.reading_id}).scalar_one())


def school_ids(engine: sa.Engine, as_of: dt.date | None = None) -> dict[str, int]:
    with engine.connect() as connection:
        return dict(register(connection, "69", as_of).select("school_code", "school_id").iter_rows())


def load_seed(engine: sa.Engine) -> dict[str, int]:
    """Load the region of the source; returns school code → id."""
    loaded(engine, school_register({unit: row[0] for unit, row in SEED.items()}))
    ids = school_ids(engine)
    reports = [
        report(ids, unit, range(1, accepted + 1), range(accepted + 1, accepted + rejected + 1))
        for unit, (_, accepted, rejected, _, _) in SEED.items()
    ]
    others = [
        plan({unit: row[3] for unit, row in SEED.items()}),
        export(ids, {f"{unit}-1": row[4] for unit, row in SEED.items()}),
    ]
    load_many(engine, [(each, delivery(engine)) for each in (*reports, *others)], VERSION)
    return ids


OF_EXPORT = next(form.pupils for form in FORMS if form.pupils)


@dataclass
class Stream:
    """A pupil export in the making: blocks, then a reading or the error with which it fails."""

    blocks: Sequence[pl.DataFrame]
    result: Reading
    fails_after: int | None = None
    how: str = "by hand"

    def __post_init__(self) -> None:
        self.known: KnownRows | None = None

    @property
    def sender(self) -> str | None:
        return self.result.sender

    @property
    def as_of(self) -> dt.date | None:
        return self.result.as_of

    def circumstances(self) -> str:
        return self.how

    def since(self, known: KnownRows) -> None:
        self.known = known

    def unchanged(self) -> pl.Series:
        met = [self.found(block) for block in self.blocks] if self.known else []
        return pl.concat([pl.Series([], dtype=pl.UInt32), *(each.drop_nulls() for each in met)])

    def found(self, block: pl.DataFrame) -> pl.Series:
        assert self.known
        return self.known.found(block["line"])

    def __iter__(self) -> Iterator[pl.DataFrame]:
        for number, block in enumerate(self.blocks):
            if number == self.fails_after:
                raise RuntimeError("the stream broke")
            yield block if self.known is None else block.filter(self.found(block).is_null())

    @property
    def form(self) -> Form:
        return form_named(self.result.form or "")

    def taken_back(self) -> pl.DataFrame:
        return pl.DataFrame()

    def reading(self) -> Reading:
        return self.result


def pupil_block(first_row: int, rows: int, school_id: int) -> pl.DataFrame:
    return (
        pl.select(row=pl.int_range(first_row, first_row + rows, dtype=pl.Int32))
        .select(
            "row",
            pupil_key=pl.col("row").cast(pl.String).str.zfill(16).cast(pl.Binary),
            school_id=pl.lit(school_id, pl.Int64),
            grade=pl.lit(9, pl.Int16),
            state=pl.lit(1, pl.Int16),
            line=pl.col("row").cast(pl.Int64) * 1_000_003 + school_id,
            namesake=pl.col("row").cast(pl.Int64),
            is_whole=pl.lit(True),
            is_clean=pl.lit(True),
            **{name: pl.lit(0, pl.Int16) for name in OF_EXPORT.counters},
        )
        .select(*kept(OF_EXPORT))
    )


def taken_back(engine: sa.Engine, gone: int, again: int, day: dt.date) -> None:
    """An officer takes a reading of a day back, and the one before it counts again."""
    with engine.begin() as connection:
        connection.execute(sa.text(TAKEN_BACK), {"gone": gone, "day": day})
        connection.execute(sa.text(AGAIN), {"again": again})


def read(
    engine: sa.Engine, name: str, as_of: dt.date | None = None, known_at: dt.datetime | None = None
) -> pl.DataFrame:
    with engine.connect() as connection:
        return mart(connection, name, as_of, known_at)


def built(
    engine: sa.Engine, day: dt.date, look: Look, names: Collection[str], rules: Collection[str]
) -> dict[str, list[dict[str, Any]]]:
    """The rows of some marts of a region for a day after somebody's `look` at its pupils; nothing is published. They
    pass these checks."""
    found = {}
    with engine.connect() as connection, begun(connection):
        pin(connection, "69", [day])
        look(connection, "69", [day], "infinity")
        put_states_aside(connection, "69", day, "infinity")
        asked = {"region": "69", "as_of": day, "known_at": "infinity"}
        for each in (each for each in marts() if each.name in names):
            connection.execute(sa.text(f"CREATE TEMP TABLE {each.name} ON COMMIT DROP AS\n{each.statement}"), asked)
            rows = connection.execute(sa.text(f"SELECT * FROM pg_temp.{each.name}")).mappings()
            found[each.name] = [dict(row) for row in rows]
        for name, select in checks(marts()):
            if name in rules:
                assert connection.execute(sa.text(select), asked).mappings().all() == [], name
    return found


def unit(engine: sa.Engine, name: str, slug: str, as_of: dt.date | None = None) -> dict[str, object]:
    return read(engine, name, as_of).row(by_predicate=pl.col("reporting_unit") == slug, named=True)


def now(engine: sa.Engine) -> dt.datetime:
    with engine.connect() as connection:
        found = connection.scalar(sa.text("SELECT clock_timestamp()"))
        assert isinstance(found, dt.datetime)
        return found


def contents(engine: sa.Engine) -> dict[str, list[str]]:
    """The rows of every mart as text, sorted: a table keeps them in no order."""
    with engine.connect() as connection:
        return {
            each.name: sorted(connection.scalars(sa.text(f"SELECT row_text::text FROM {each.relation} AS row_text")))
            for each in ALL
        }


AHEAD = "interval '3 hours'"
MOVED = """
SELECT format('%I.%I', table_schema, table_name), column_name
FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
WHERE table_type = 'BASE TABLE'
  AND (table_schema = 'history' AND column_name IN ('published_at', 'replaced_at', 'known_at')
       OR table_schema = 'ops' AND table_name IN ('reading', 'publication', 'run', 'backfill')
          AND column_name <> 'register_known_at'
       OR table_schema = 'ref' AND column_name = 'listed_at')
  AND data_type = 'timestamp with time zone'
"""


def step_back(engine: sa.Engine) -> None:
    """Let the database's clock step back: all that it was asked for so far was three hours ahead."""
    columns: dict[str, list[str]] = {}
    with engine.begin() as connection:
        for table, column in connection.execute(sa.text(MOVED)):
            columns.setdefault(table, []).append(f"{column} = {column} + {AHEAD}")
        for table, moved in columns.items():
            connection.execute(sa.text(f"UPDATE {table} SET {', '.join(moved)}"))
