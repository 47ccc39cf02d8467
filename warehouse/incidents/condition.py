"""Conditions as files: one SELECT each of what is wrong now, with its thresholds and whom it concerns as data."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Literal

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from contracts.forms import FORMS
from contracts.regions import kept
from contracts.rules import HOLDS
from contracts.texts import incident_texts, rule_texts
from contracts.vocabulary import rows
from warehouse.schema.input_versions import thresholds_due

FOLDER = Path(__file__).parent / "conditions"
INPUTS = re.compile(r"^-- follows from: (.+)$", re.MULTILINE)
OF = re.compile(r"^-- of: (the region, and the installation|the installation)$", re.MULTILINE)
NOT_EVALUATED = "condition_failed"
"""Not a file: what is told when one of them cannot be evaluated."""

TABLE = """
CREATE TEMP TABLE IF NOT EXISTS incident_found (
    condition text NOT NULL, region text, form text, sender text, subject text NOT NULL, state jsonb NOT NULL,
    details jsonb NOT NULL, deliveries bigint[] NOT NULL
) ON COMMIT DROP;
CREATE UNIQUE INDEX IF NOT EXISTS incident_found_key
    ON pg_temp.incident_found (condition, coalesce(region, ''), coalesce(form, ''), coalesce(sender, ''), subject);
DELETE FROM pg_temp.incident_found
"""
FIND = """
INSERT INTO pg_temp.incident_found (condition, region, form, sender, subject, state, details, deliveries)
SELECT :condition, :region, w.form, w.sender, w.subject, w.state, w.state || w.details, w.deliveries FROM (
{select}
) w
"""
FAILED = """
INSERT INTO pg_temp.incident_found (condition, region, subject, state, details, deliveries)
SELECT :condition, :region, :subject, d, d, '{}' FROM jsonb_build_object('error', cast(:error AS text)) d
"""


@dataclass(frozen=True)
class Condition:
    """What is wrong now, as a SELECT with the parameters `:region`, `:now`, `:day` and its thresholds.

    It yields form, sender, subject (which together tell its incidents apart), state (whose change is news), details
    (further figures for the text) and deliveries. `tells` says which events of its incidents are told.
    `inputs` are those from which it follows besides its thresholds, which each region has of its own. It is asked of
    each region; one that is of the installation (`-- of:`) too, or alone, of no region, and then by the thresholds of
    the region that is looked at.
    """

    name: str
    select: str
    inputs: tuple[str, ...]
    thresholds: Mapping[str, Mapping[str, Decimal]]
    of_regions: bool
    of_installation: bool
    incident_class: Literal["data", "lateness", "own"]
    audiences: tuple[str, ...]
    tells: tuple[str, ...]
    title: str


@kept
def conditions() -> dict[str, Condition]:
    """Every condition by name. Raises KeyError for a file without a line in contracts/texts/incidents.csv."""
    selects = {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.sql"))}
    return {name: _condition(name, select) for name, select in {**selects, NOT_EVALUATED: ""}.items()}


def _condition(name: str, select: str) -> Condition:
    texts = incident_texts()[name]
    follows, of = INPUTS.search(select), OF.search(select)
    thresholds: dict[str, dict[str, Decimal]] = {}
    for row in rows("thresholds"):
        if row["condition"] == name:
            thresholds.setdefault(row["region"], {})[row["name"]] = Decimal(row["value"])
    return Condition(
        name=name,
        select=select,
        inputs=tuple(follows[1].split(", ")) if follows else (),
        thresholds=thresholds,
        of_regions=of is None or of[1] != "the installation",
        of_installation=of is not None,
        incident_class=texts.incident_class,
        audiences=texts.audiences,
        tells=texts.tells,
        title=texts.name,
    )


@cache
def rule_classes() -> dict[str, str]:
    """Rule → the class under which its findings are one incident."""
    return {rule: words.rule_class for rule, words in rule_texts().items()}


def rules_of_controls() -> dict[str, dict[str, str]]:
    """Form → a figure that its senders state → the rule by which that is compared."""
    return {
        form.name: {total.metric: total.rule for total in form.controls}
        | {figure.metric: figure.rule for figure in form.row_controls}
        for form in FORMS
    }


def find(
    connection: Connection,
    region: str,
    now: dt.datetime,
    day: dt.date,
    all_conditions: Collection[Condition],
    nightly_hours: float,
) -> set[str]:
    """Put what is wrong now in a region, and with the installation, into the temporary table `incident_found`; returns
    the conditions that were not evaluated.

    One that fails is itself found wrong, with the kind of its error: the error's own words may quote a row.
    """
    for statement in TABLE.split(";"):
        connection.execute(text(statement))
    classes, controls = json.dumps(rule_classes()), json.dumps(rules_of_controls())
    due = thresholds_due(connection, region, day)
    left_out: set[str] = set()
    for condition in all_conditions:
        if not condition.select:
            continue
        parameters = {
            **condition.thresholds.get(region, {}),
            **due.get(condition.name, {}),
            "rule_classes": classes,
            "controls": controls,
            "holds": sorted(HOLDS),
            "now": now,
            "day": day,
            "condition": condition.name,
        }
        if condition.name == "nightly_missing":
            parameters["hours"] = Decimal(str(nightly_hours))
        for of in (*[region] * condition.of_regions, *[None] * condition.of_installation):
            try:
                with connection.begin_nested():
                    connection.execute(text(FIND.format(select=condition.select)), {**parameters, "region": of})
            except DBAPIError as error:
                if error.connection_invalidated:
                    raise
                left_out.add(condition.name)
                kind = type(error.orig).__name__
                failed = {"condition": NOT_EVALUATED, "region": of, "subject": condition.name, "error": kind}
                connection.execute(text(FAILED), failed)
    return left_out
