"""The inputs in the warehouse: every version with its lines, and which of them judged which published date."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import polars as pl
from sqlalchemy import Connection, text

from contracts.regions import regions
from contracts.regions.pack_table import MAY_BE_ABSENT
from contracts.versions.inputs import JUDGE_DATES, Ledger, Line, fingerprint, last_of, ledgers, lines_of
from contracts.versions.rule_versions import UNLISTED
from warehouse.core.frames import frame

# An unlisted version judges from the day on which it was first seen, or from the first date after those published, if
# that is earlier; where nothing is published yet, from when the last listed one does. What all regions share goes by
# the region that was published furthest.
TELL = """
WITH told AS (
    SELECT t.*, CASE WHEN t.version <> :unlisted THEN t.judges_from ELSE greatest(t.judges_from, (
        SELECT max(least(p.as_of + 1, ref.region_date(p.region, clock_timestamp())))
        FROM (SELECT o.region, max(o.as_of) AS as_of FROM ops.publication o GROUP BY o.region) p
        WHERE t.region IN ('', p.region)
        HAVING count(*) > 0
    )) END AS since
    FROM jsonb_to_recordset(cast(:records AS jsonb)) AS t (
        region text, input text, version text, fingerprint text, position integer, judges_from date, what text,
        lines jsonb)
),
gone AS (
    UPDATE ref.input_version v SET holds = false
    WHERE v.holds AND NOT EXISTS (
        SELECT FROM told t
        WHERE (t.region, t.input, t.version, t.fingerprint) = (v.region, v.input, v.version, v.fingerprint))
)
INSERT INTO ref.input_version AS old (region, input, version, fingerprint, position, judges_from, what, lines)
SELECT region, input, version, fingerprint, position, since, what, lines FROM told
ORDER BY region, input, position
ON CONFLICT (region, input, version, fingerprint) DO UPDATE
SET position = excluded.position, what = excluded.what, holds = true,
    judges_from = CASE WHEN old.holds AND old.version = :unlisted THEN old.judges_from ELSE excluded.judges_from END
WHERE (old.position, old.what, old.holds) IS DISTINCT FROM (excluded.position, excluded.what, true)
   OR old.version <> :unlisted AND old.judges_from <> excluded.judges_from
"""
# What was published before an input had versions was judged by its first.
PIN_OLD = """
INSERT INTO ops.date_input (region, as_of, input_region, input, input_version)
SELECT p.region, p.as_of, f.region, f.input, f.input_version
FROM (SELECT DISTINCT region, as_of FROM ops.publication) p
JOIN (SELECT DISTINCT ON (v.region, v.input) v.region, v.input, v.input_version FROM ref.input_version v
      WHERE v.holds AND v.input = ANY (:judging) ORDER BY v.region, v.input, v.position) f ON f.region IN ('', p.region)
ON CONFLICT DO NOTHING
"""
PIN = """
INSERT INTO ops.date_input (region, as_of, input_region, input, input_version)
SELECT :region, d.day, i.input_region, i.input, i.input_version
FROM unnest(cast(:dates AS date[])) AS d (day)
CROSS JOIN LATERAL (
    SELECT n.input_region, n.input, ref.input_due(n.input_region, n.input, d.day) AS input_version
    FROM ref.inputs_named(:region, :judging) n
) i
WHERE i.input_version IS NOT NULL
ON CONFLICT DO NOTHING
"""
# Published dates that another version, listed since, would judge.
OLDER = """
SELECT x.region, x.input, min(x.as_of) AS from_as_of, max(x.as_of) AS to_as_of, count(*) AS dates,
    string_agg(DISTINCT b.version, ', ') AS judged_by, string_agg(DISTINCT a.version, ', ') AS judges
FROM (
    SELECT d.region, d.as_of, d.input, ref.input_at(d.region, d.input_region, d.input, d.as_of) AS before,
        ref.input_due(d.input_region, d.input, d.as_of) AS after
    FROM ops.date_input d
    WHERE EXISTS (SELECT FROM ref.input_version v
                  WHERE (v.region, v.input) = (d.input_region, d.input) AND v.holds AND v.position > 1
                    AND v.judges_from <= d.as_of)
) x
JOIN ref.input_version b ON b.input_version = x.before
JOIN ref.input_version a ON a.input_version = x.after
WHERE x.before <> x.after
GROUP BY x.region, x.input ORDER BY x.region, x.input
"""
THRESHOLDS = """
SELECT v.lines FROM ref.input_version v
WHERE v.input_version = ref.input_due(:region, 'thresholds', :day)
  AND EXISTS (SELECT FROM ref.input_version n
              WHERE n.region = v.region AND n.input = 'thresholds' AND n.holds AND n.position > v.position)
"""
BANDS = "SELECT band_rule_version, band, lower_bound FROM ref.band_rule WHERE region = :region"
ADD_BANDS = """
INSERT INTO ref.band_rule (region, band_rule_version, band, lower_bound, valid_from, why)
SELECT :region, band_rule_version, band, lower_bound, valid_from, why
FROM jsonb_populate_recordset(NULL::ref.band_rule, cast(:lines AS jsonb))
ON CONFLICT DO NOTHING
"""

Record = dict[str, Any]
FIRST_DAY = "0001-01-01"
ABSENT = "нет"
"""The version of a table that is not there."""


def sync_inputs(connection: Connection, further: Mapping[str, Sequence[Line]]) -> None:
    """Write every version of every input; their lines never change. `further` are lines beside the contracts'."""
    records = list(input_records(further))
    for _record in records:
        if _record["input"] == "band_rules":
            _record["lines"] = _named_bands(connection, _record)
    sent = {"records": json.dumps(records, ensure_ascii=False), "unlisted": UNLISTED}
    connection.execute(text(TELL), sent)
    connection.execute(text(PIN_OLD), {"judging": list(JUDGE_DATES)})


def pin(connection: Connection, region: str, dates: Collection[object]) -> None:
    """Keep by which versions these dates of a region are judged, unless that was kept when they were first
    published."""
    connection.execute(text(PIN), {"region": region, "dates": list(dates), "judging": list(JUDGE_DATES)})


def by_older_inputs(connection: Connection) -> pl.DataFrame:
    """region, input, from_as_of, to_as_of, dates, judged_by, judges: published dates that a later version would
    judge."""
    return frame(connection, OLDER, {})


def thresholds_due(connection: Connection, region: str, day: dt.date) -> dict[str, dict[str, Decimal]]:
    """Condition → its thresholds by name, where those of the region's pack do not judge the day yet; else nothing."""
    thresholds: dict[str, dict[str, Decimal]] = {}
    for line in connection.scalar(text(THRESHOLDS), {"region": region, "day": day}) or ():
        thresholds.setdefault(line["condition"], {})[line["name"]] = Decimal(line["value"])
    return thresholds


def input_records(further: Mapping[str, Sequence[Line]] | None = None) -> Iterable[Record]:
    """The versions of each input, numbered in their order, with their lines; last an unlisted one, if there is.

    `further` are lines of the first region.
    """
    for ledger in ledgers():
        is_first = ledger.pack is not None and ledger.region == regions()[0].code
        for record in _records_of(ledger, (further or {}) if is_first else {}):
            yield {"region": ledger.region, **record}


def _records_of(ledger: Ledger, further: Mapping[str, Sequence[Line]]) -> Iterable[Record]:
    """The versions of the inputs of a ledger.

    A table that a region need not have and that judges dates has a version of before it was there: dates published then
    do not follow a table that came later.
    """
    versions = ledger.listed()
    before: dict[str, Record] = {}
    for name in sorted(MAY_BE_ABSENT.intersection(JUDGE_DATES)) if ledger.pack else ():
        first = next((version for version in versions if version.input == name), None)
        nothing = _record(name, ABSENT, fingerprint(name, ()), FIRST_DAY, "Таблицы ещё не было.", ())
        if name not in ledger.names():
            yield {**nothing, "position": 1}
        elif first is None or first.fingerprint != nothing["fingerprint"]:
            before[name] = nothing
    for name in ledger.names():
        now = [*ledger.lines(name), *further.get(name, ())]
        mark = fingerprint(name, now)
        last = last_of(name, versions)
        records: list[Record] = [before[name]] if name in before else []
        for version in versions:
            if version.input == name:
                lines = now if version.fingerprint == mark else lines_of(version)
                since = version.judges_from.isoformat()
                records.append(_record(name, version.version, version.fingerprint, since, version.what, lines))
        if last is None or last.fingerprint != mark:
            since = last.judges_from.isoformat() if last else FIRST_DAY
            records.append(_record(name, UNLISTED, mark, since, "Изменён без записи.", now))
        if name == "reporting_units":
            _keep_units(records)
        for position, record in enumerate(records, 1):
            yield {**record, "position": position}


def _record(name: str, version: str, mark: str, since: str, what: str, lines: Iterable[Line]) -> Record:
    """A version of an input as `TELL` takes it, without its position."""
    return {
        "input": name, "version": version, "fingerprint": mark, "judges_from": since, "what": what,
        "lines": [dict(line) for line in lines],
    }  # fmt: skip


def _keep_units(records: Sequence[Record]) -> None:
    """Number the units in printed order; one that a later version leaves out stays, because facts speak of it."""
    before: list[Record] = []
    for version in records:
        lines = version["lines"]
        listed_units = {line["reporting_unit"] for line in lines}
        lines += [line for line in before if line["reporting_unit"] not in listed_units]
        place: dict[str, int] = {}
        for line in lines:
            line["position"] = place.setdefault(line["reporting_unit"], len(place) + 1)
        before = [dict(line) for line in lines]


def _named_bands(connection: Connection, version: Record) -> list[Record]:
    """The lines of a version of the bands, so that one name means the same bounds for ever.

    Bounds under a name that meant others carry the name of the version too, and those that nobody listed say so.
    """
    bounds_of: dict[str, dict[str, Decimal]] = {}
    for name, band, bound in connection.execute(text(BANDS), {"region": version["region"]}):
        bounds_of.setdefault(name, {})[band] = bound
    lines = []
    for name in dict.fromkeys(line["band_rule_version"] for line in version["lines"]):
        band_lines = [line for line in version["lines"] if line["band_rule_version"] == name]
        bounds = {line["band"]: Decimal(line["lower_bound"]) for line in band_lines}
        called = name
        if bounds_of.get(name, None if version["version"] == UNLISTED else bounds) != bounds:
            called = f"{name}, {version['version']} {version['fingerprint'][:8]}"
        lines += [{**line, "band_rule_version": called} for line in band_lines]
    asked = {"region": version["region"], "lines": json.dumps(lines, ensure_ascii=False)}
    connection.execute(text(ADD_BANDS), asked)
    return lines
