"""Reference data from the contracts as they stand now: units, senders, campaigns, norms, rules and their versions.

The versions by which dates are judged are written beside it (`warehouse/schema/input_versions.py`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import polars as pl
from sqlalchemy import Connection, text

from contracts.form import Form
from contracts.forms import FORMS, RULES
from contracts.regions import regions
from contracts.versions.rule_versions import UNLISTED, in_force
from contracts.vocabulary import rows
from warehouse.schema.input_versions import sync_inputs

Record = Mapping[str, object]
Expected = Literal["campaign", "academic_year", "month", "day", "once", "as_published"]

# A line that is gone is not listed any more; its row stays where readings speak of it.
LISTED = """
UPDATE ref.{table} t SET is_listed = NOT t.is_listed
WHERE t.is_listed <> EXISTS (SELECT FROM unnest(cast(:regions AS text[]), cast(:listed AS text[])) AS l (region, code)
                             WHERE (l.region, l.code) = (t.region, t.{table}))
"""
NOT_COLLECTED = """
DELETE FROM ref.collected c
WHERE NOT EXISTS (SELECT FROM jsonb_populate_recordset(NULL::ref.collected, cast(:records AS jsonb)) t
                  WHERE (t.region, t.form) = (c.region, c.form))
"""
GONE_REGIONS = "UPDATE ref.region SET is_listed = region = ANY (:listed) WHERE is_listed <> (region = ANY (:listed))"
NO_SUCH_DAY = """
DELETE FROM ref.calendar_day d
WHERE NOT EXISTS (SELECT FROM jsonb_populate_recordset(NULL::ref.calendar_day, cast(:records AS jsonb)) t
                  WHERE (t.region, t.day) = (d.region, d.day))
"""
# A line that now says something else is news as a new one is: marts are published again from its date on.
VERSIONS = """
WITH told AS (
    SELECT v.region, v.form, v.version, v.position, v.judges_from, v.fingerprints, v.what
    FROM jsonb_populate_recordset(NULL::ref.contract_version, cast(:records AS jsonb)) v
),
gone AS (
    DELETE FROM ref.contract_version v
    WHERE v.version = :unlisted
      AND NOT EXISTS (SELECT FROM told t WHERE (t.region, t.form, t.version) = (v.region, v.form, v.version))
)
INSERT INTO ref.contract_version AS old (region, form, version, position, judges_from, fingerprints, what, listed_at)
SELECT region, form, version, position, judges_from, fingerprints, what, ops.clock() FROM told
ON CONFLICT (region, form, version) DO UPDATE SET position = excluded.position, judges_from = excluded.judges_from,
    fingerprints = excluded.fingerprints, what = excluded.what, listed_at = excluded.listed_at
WHERE (old.position, old.judges_from, old.fingerprints, old.what)
    IS DISTINCT FROM (excluded.position, excluded.judges_from, excluded.fingerprints, excluded.what)
"""


def sync_reference(
    connection: Connection,
    forms: Sequence[Form] = FORMS,
    units: pl.DataFrame | None = None,
    aliases: pl.DataFrame | None = None,
) -> None:
    """Write what the contracts say about units, senders, forms, campaigns, bands, norms and rules.

    `units` (reporting_unit, name, kind, municipality_type, oktmo, valid_from, valid_to) and `aliases` (alias,
    reporting_unit, why) are further ones of the first region, all String; every further unit becomes a sender too. Only
    days of the calendar, and from when on a form is collected, are deleted: what else is no longer in the contracts
    stays, as facts may speak of it.
    """
    first = regions()[0].code
    further_units = [{"region": first, **unit} for unit in (units.to_dicts() if units is not None else ())]
    further_aliases = [{"region": first, **alias} for alias in (aliases.to_dicts() if aliases is not None else ())]
    all_units = [*rows("reporting_units"), *further_units]
    position: dict[tuple[str, str], int] = {}
    places: dict[str, int] = {}
    for unit in all_units:
        if (unit["region"], unit["reporting_unit"]) not in position:
            places[unit["region"]] = places.get(unit["region"], 0) + 1
            position[unit["region"], unit["reporting_unit"]] = places[unit["region"]]
    listed_senders = {sender["sender"] for sender in rows("senders")}
    further = {
        unit["reporting_unit"]: {"sender": unit["reporting_unit"], "name": unit["name"], "kind": "reporting_unit"}
        for unit in further_units
        if unit["reporting_unit"] not in listed_senders
    }
    _upsert(connection, "region", ("region",), ("name", "time_zone", "language", "position"), region_records())
    connection.execute(text(GONE_REGIONS), {"listed": [region.code for region in regions()]})
    _upsert(
        connection,
        "reporting_unit",
        ("reporting_unit", "valid_from"),
        ("region", "name", "kind", "municipality_type", "oktmo", "position", "valid_to"),
        [{**unit, "position": position[unit["region"], unit["reporting_unit"]]} for unit in all_units],
    )
    all_aliases = [*rows("reporting_unit_aliases"), *further_aliases]
    _upsert(connection, "reporting_unit_alias", ("region", "alias"), ("reporting_unit", "why"), all_aliases)
    senders = [*rows("senders"), *({"region": first, **sender} for sender in further.values())]
    _upsert(connection, "sender", ("sender",), ("name", "kind", "region"), senders)
    _upsert(
        connection,
        "form",
        ("form",),
        (
            "title",
            "sender_kind",
            "period",
            "campaign_form",
            "expected",
            "holds_before_first",
            "covers",
            "counts_pupils",
            "due_working_days",
            "due_months",
            "due_month",
            "due_day",
        ),
        [form_record(form) for form in forms],
    )
    names = {form.name for form in forms}
    collected = [line for line in rows("collected") if line["form"] in names]
    _upsert(connection, "collected", ("region", "form"), ("collected_from",), collected)
    connection.execute(text(NOT_COLLECTED), {"records": json.dumps(collected, ensure_ascii=False)})
    _upsert(
        connection,
        "campaign",
        ("region", "campaign"),
        ("form", "title", "academic_year", "starts_on", "deadline"),
        rows("campaigns"),
    )
    _upsert(connection, "calendar_day", ("region", "day"), ("is_working", "why"), rows("calendar"))
    connection.execute(text(NO_SUCH_DAY), {"records": json.dumps(rows("calendar"), ensure_ascii=False)})
    for table, listed_rows in (("campaign", rows("campaigns")), ("sender", senders)):
        listed = {"regions": [line["region"] for line in listed_rows], "listed": [line[table] for line in listed_rows]}
        connection.execute(text(LISTED.format(table=table)), listed)
    _upsert(connection, "level_norm", ("model_version", "level", "direction"), ("hours",), rows("level_norms"))
    _upsert(connection, "rule", ("rule",), ("form", "severity", "scope", "what", "when", "mend"), rule_records(forms))
    versions = {"records": json.dumps(list(version_records(forms)), ensure_ascii=False), "unlisted": UNLISTED}
    connection.execute(text(VERSIONS), versions)
    further_rows = {"reporting_units": units, "reporting_unit_aliases": aliases}
    lines = {name: table.to_dicts() for name, table in further_rows.items() if table is not None}
    sync_inputs(connection, {**lines, "senders": list(further.values())})


def region_records() -> list[Record]:
    """The regions in force as rows of `ref.region`."""
    return [
        {
            "region": region.code,
            "name": region.name,
            "time_zone": region.time_zone,
            "language": region.language,
            "position": position,
        }
        for position, region in enumerate(regions(), 1)
    ]


def form_record(form: Form) -> Record:
    """A form as a row of `ref.form`."""
    until = form.owed.until if form.owed else None
    return {
        "form": form.name,
        "title": form.title,
        "sender_kind": form.sender_kind,
        "period": form.period,
        "campaign_form": form.campaign_form or form.name,
        "expected": expected(form),
        "holds_before_first": form.holds_before_first,
        "covers": form.covers,
        "counts_pupils": form.pupils is not None,
        "due_working_days": form.owed.working_days if form.owed else 0,
        "due_months": form.owed.months if form.owed and form.owed.every == "month" else (),
        "due_month": until[0] if until else None,
        "due_day": until[1] if until else None,
    }


def expected(form: Form) -> Expected:
    """How often each of its senders owes the form; what nobody owes comes as somebody publishes it."""
    return form.owed.every if form.owed else "as_published"


def rule_records(forms: Sequence[Form]) -> Iterable[Record]:
    """Every rule with the form it belongs to; None for a rule that all forms share."""
    owner = {rule.id: form.name for form in forms for rule in form.rules}
    rules = {**RULES, **{rule.id: rule for form in forms for rule in form.rules}}
    for rule in rules.values():
        yield {
            "rule": rule.id,
            "form": owner.get(rule.id),
            "severity": rule.severity,
            "scope": rule.scope,
            "what": rule.what,
            "when": rule.when,
            "mend": rule.mend,
        }


def version_records(forms: Sequence[Form]) -> Iterable[Record]:
    """The versions of the rules of each form in each region, numbered in their order."""
    for region in regions():
        positions: dict[str, int] = {}
        names = {form.name for form in forms if form.region in (None, region.code)}
        for version in in_force(forms, region.code):
            if version.form not in names:
                continue
            positions[version.form] = positions.get(version.form, 0) + 1
            yield {
                "region": region.code,
                "form": version.form,
                "version": version.version,
                "position": positions[version.form],
                "judges_from": version.judges_from.isoformat(),
                "fingerprints": version.fingerprints,
                "what": version.what,
            }


def _upsert(
    connection: Connection, table: str, key: Sequence[str], values: Sequence[str], records: Iterable[Record]
) -> None:
    """Insert new rows of `ref.<table>` and update those that differ; a row that is the same is not touched."""

    def listed(names: Iterable[str], prefix: str = "") -> str:
        return ", ".join(f'{prefix}"{name}"' for name in names)

    columns = (*key, *values)
    statement = f"""
        INSERT INTO ref.{table} AS old ({listed(columns)})
        SELECT {listed(columns)} FROM jsonb_populate_recordset(NULL::ref.{table}, cast(:records AS jsonb))
        ON CONFLICT ({listed(key)}) DO UPDATE SET ({listed(values)}) = ROW({listed(values, "excluded.")})
        WHERE ({listed(values, "old.")}) IS DISTINCT FROM ({listed(values, "excluded.")})
    """
    sent = [{name: record[name] for name in columns} for record in records]
    connection.execute(text(statement), {"records": json.dumps(sent, ensure_ascii=False)})
