"""What is asked of a region's rows that come from another warehouse before they are taken in: a file may have been made
by anybody who has its key, and its rows are written by the owner of this warehouse."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, text

from warehouse.schema.facts import literal
from warehouse.watch.region_tables import IN_DETAILS, LISTS_OF_NUMBERS, NUMBERS, OF_MARTS, OWN, Rows

NAME = re.compile(r"[a-z_][a-z0-9_]*")
INPUTS = "ref.input_version"
SCHOOLS = "ref.school_identity"
WITH_DETAILS = ("ops.incident", "ops.incident_event")
TAKEN = "SELECT count(*) FROM pg_temp.coming c JOIN ref.school_identity s ON s.school_code = c.school_code"
OF_OTHERS = {
    INPUTS: "c.region NOT IN ('', :region)",
    "restricted.pupil_series":
        "NOT EXISTS (SELECT FROM ref.sender s WHERE s.sender = c.sender AND s.region = :region)",
}  # fmt: skip
"""Table → which rows are not of a region, where not each bears its code: what all share has none."""
PLACES_ON_DISK = {
    "archive_path": "c.archive_path IS DISTINCT FROM left(c.sha256, 2) || '/' || c.sha256",
    "inbox_path": r"c.inbox_path ~ '^/|(^|/)\.\.(/|$)'",
}
"""Columns by which a purge finds files, and what none of ours says in them."""


class CannotTake(ValueError):
    """A region cannot be taken in; the text says why."""


def must_be_known(here: Mapping[str, Rows], table: str, columns: Sequence[str]) -> Rows:
    """What is said here of a table that comes. Raises CannotTake for one of which no rows leave with a region, and for
    columns that it has not; marts of before had others, whose names are plain."""
    if table not in here:
        raise CannotTake(f"{table!r} is no table of regions here: the file is of another version, or of somebody else")
    odd = [name for name, times in Counter(columns).items() if times > 1 or not NAME.fullmatch(name)]
    if not table.startswith(OF_MARTS):
        odd += [name for name in columns if name not in here[table].columns]
    if odd or not columns:
        raise CannotTake(f"{table} has no columns {', '.join(map(repr, odd))} here: the file is of another version")
    return here[table]


def must_be_own(connection: Connection, rows: Rows, columns: Sequence[str], region: str) -> None:
    """The rows that wait in `pg_temp.coming` are of a region, and their numbers are numbers, so that none can be that
    of a row which is here. Raises CannotTake."""
    if rows.table == SCHOOLS and (found := connection.scalar(text(TAKEN))):
        raise CannotTake(f"{found} of its schools are of another region here, by their codes")
    wrong = [f"({PLACES_ON_DISK[name]})" for name in columns if name in PLACES_ON_DISK]
    if rows.table in OF_OTHERS:
        wrong.append(OF_OTHERS[rows.table])
    elif rows.whose == OWN:
        wrong.append("c.region IS DISTINCT FROM :region")
    if not rows.table.startswith(OF_MARTS):
        wrong += [f"c.{name} <= 0" for name in columns if name in NUMBERS]
        wrong += [f"0 >= ANY (c.{name})" for name in columns if name in LISTS_OF_NUMBERS]
    if rows.table in WITH_DETAILS:
        wrong += [
            f"CASE WHEN jsonb_typeof(c.details -> '{key}') = 'number' THEN (c.details ->> '{key}')::numeric < 1 END"
            for key in IN_DETAILS
        ]
    if not wrong:
        return
    asked = f"SELECT count(*) FROM pg_temp.coming c WHERE {' OR '.join(wrong)}".replace(":region", literal(region))
    if found := connection.scalar(text(asked.replace(":", "\\:"))):
        raise CannotTake(f"{found} rows of {rows.table} are not of region {region}: the file was not written by export")
