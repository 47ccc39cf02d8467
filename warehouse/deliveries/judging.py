"""Rules across forms are judged against what is current, and again whenever that changes.

What they say is kept with the moments from which and until which it was said. Whether they are to be asked again is
told from the data: the readings that hold on the last day of an academic year are compared with those that were asked.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Sequence
from hashlib import sha256

from sqlalchemy import Connection, Engine, RowMapping, text

from contracts.form import Rule
from contracts.forms import FORMS, RULES
from contracts.forms.across import read_by, selects
from contracts.forms.rule_states import RuleState, lines_about, settled
from contracts.reading import Finding
from contracts.texts import phrases
from warehouse.core.slices import LONGEST_WAIT, publisher
from warehouse.core.transaction import retried
from warehouse.deliveries.history import SCHOOL_NAMES

# The last day of each academic year for which there is something of these forms in a region.
YEARS = """
SELECT y.academic_year, y.day, ARRAY(
    SELECT h.reading_id FROM ops.reading_at(:region, y.day, 'infinity') h
    WHERE h.form = ANY (:forms) ORDER BY h.reading_id
)
FROM (
    SELECT ref.academic_year(r.as_of) AS academic_year, max(r.as_of) AS day FROM ops.reading r
    WHERE r.region = :region AND r.form = ANY (:forms) AND r.slice IS NOT NULL AND r.became_current_at IS NOT NULL
    GROUP BY 1
) y
"""
JUDGED = "SELECT academic_year, day, held FROM ops.judged_across WHERE region = :region AND rules = :rules"
# What is said no more, and what is said anew; of a reading that no longer holds the receipt stays as it was. What is
# said of the same document as before, which was read again, is no news.
JUDGE = """
WITH said AS MATERIALIZED (
    SELECT DISTINCT a.*, ref.rule_state(cast(:states AS jsonb), a.rule, r.form, r.campaign, r.as_of) AS state
    FROM ops.across_at(:region, :day, 'infinity') a
    JOIN ops.reading r ON r.reading_id = a.reading_id
),
gone AS (
    UPDATE ops.finding_across o SET gone_at = greatest(cast(:now AS timestamptz), o.found_at)
    WHERE o.region = :region AND o.academic_year = :academic_year AND o.gone_at = 'infinity'
      AND NOT EXISTS (SELECT FROM said s WHERE {same})
    RETURNING o.reading_id, o.other_reading_id, {told}
),
found AS (
    INSERT INTO ops.finding_across AS o
        (region, rule, reading_id, other_reading_id, academic_year, school_id, place, value, expected, difference,
         state, found_at)
    SELECT :region, s.rule, s.reading_id, s.other_reading_id, :academic_year, s.school_id, s.place, s.value, s.expected,
        s.difference, s.state, :now
    FROM said s
    WHERE NOT EXISTS (SELECT FROM ops.finding_across o
                      WHERE o.region = :region AND o.academic_year = :academic_year AND o.gone_at = 'infinity'
                        AND {same})
    RETURNING o.reading_id, o.other_reading_id, {told}
),
before AS (
    SELECT r.delivery_id, e.delivery_id AS other, {told} FROM gone o
    JOIN ops.reading r ON r.reading_id = o.reading_id JOIN ops.reading e ON e.reading_id = o.other_reading_id
),
now AS (
    SELECT r.delivery_id, e.delivery_id AS other, {told} FROM found o
    JOIN ops.reading r ON r.reading_id = o.reading_id JOIN ops.reading e ON e.reading_id = o.other_reading_id
),
news AS (
    (SELECT * FROM before EXCEPT SELECT * FROM now) UNION (SELECT * FROM now EXCEPT SELECT * FROM before)
)
SELECT r.reading_id FROM ops.reading r
WHERE r.reading_id = ANY (:held) AND r.delivery_id IN (SELECT n.delivery_id FROM news n)
""".format(
    same="(o.rule, o.reading_id, o.other_reading_id) = (s.rule, s.reading_id, s.other_reading_id)"
    " AND (o.school_id, o.place, o.value, o.expected, o.difference, o.state)"
    " IS NOT DISTINCT FROM (s.school_id, s.place, s.value, s.expected, s.difference, s.state)",
    told="o.rule, o.school_id, o.place, o.value, o.expected, o.difference, o.state",
)
NOTE = """
INSERT INTO ops.judged_across (region, academic_year, day, held, rules, judged_at)
VALUES (:region, :academic_year, :day, :held, :rules, :now)
ON CONFLICT (region, academic_year) DO UPDATE
SET day = excluded.day, held = excluded.held, rules = excluded.rules, judged_at = excluded.judged_at
"""
# The senders hear of it: the receipts are written again, those of the same bytes sent again too.
UNANSWER = """
WITH told AS (
    UPDATE ops.reading SET answered_at = NULL WHERE reading_id = ANY (:readings) AND answered_at IS NOT NULL
    RETURNING delivery_id
)
UPDATE ops.delivery d SET answered_at = NULL FROM told t WHERE d.same_as = t.delivery_id
"""
FOUND = """
SELECT a.finding_across_id, a.rule, a.reading_id, a.school_id, a.place, a.value, a.expected,
    cast(a.difference AS double precision) AS difference, a.region, a.state, r.form, r.as_of,
    d.file_name AS file, o.form AS other_form, o.as_of AS other_as_of, e.file_name AS other_file
FROM ops.finding_across a
JOIN ops.reading r ON r.reading_id = a.reading_id
JOIN ops.delivery d ON d.delivery_id = r.delivery_id
JOIN ops.reading o ON o.reading_id = a.other_reading_id
JOIN ops.delivery e ON e.delivery_id = o.delivery_id
"""
# Class 6 comes before class 10.
SAID = rf"""{FOUND}
WHERE a.reading_id = ANY (:readings) AND coalesce(a.found_at <= :known, true)
  AND (a.gone_at = 'infinity' OR a.gone_at > cast(:known AS timestamptz))
ORDER BY a.reading_id, a.rule, a.school_id, a.place, length(substring(a.value, '^\D*\d+')), a.value,
    a.finding_across_id
"""
NAMELESS = {form.name: form.title for form in FORMS if form.names_people}
"""Forms of whose files another sender hears the title alone: the name of a file may be somebody's."""

Year = tuple[int, dt.date, list[int]]
"""An academic year by its first calendar year, its last day with a document, and the readings that hold on it."""


def judge_across(
    engine: Engine, region: str, run_id: int | None = None, wait: dt.timedelta = LONGEST_WAIT
) -> list[int]:
    """Ask the rules across forms again where what holds in a region has changed; the readings of which they now say
    otherwise.

    Raises Timeout when somebody publishes for longer than `wait`; GaveUp.
    """
    with engine.connect() as connection:
        if not _changed(connection, region):
            return []
    return _judged(engine, region, run_id, wait)


@retried
def _judged(engine: Engine, region: str, run_id: int | None, wait: dt.timedelta) -> list[int]:
    with publisher(engine, region, wait=wait, run_id=run_id) as connection:
        return judge(connection, region)


def judge(connection: Connection, region: str) -> list[int]:
    """`judge_across` in a transaction of the caller, who is the region's publisher."""
    now = connection.scalar(text("SELECT ops.clock()"))
    told: set[int] = set()
    for academic_year, day, held in _changed(connection, region):
        asked = {
            "region": region, "academic_year": academic_year, "day": day, "held": held, "now": now,
            "rules": fingerprint(region), "states": json.dumps(lines_about(region, selects())),
        }  # fmt: skip
        told.update(connection.scalars(text(JUDGE), asked))
        connection.execute(text(NOTE), asked)
    connection.execute(text(UNANSWER), {"readings": sorted(told)})
    return sorted(told)


def _changed(connection: Connection, region: str) -> list[Year]:
    """The academic years of a region of which other readings hold than those that were asked, or that other rules
    asked, or the same ones of which it said something else."""
    forms = sorted({form for select in selects().values() for form in read_by(select)})
    asked = {"region": region, "forms": forms, "rules": fingerprint(region)}
    judged = {row[0]: row[1:] for row in connection.execute(text(JUDGED), asked).tuples()}
    years = connection.execute(text(YEARS), asked).tuples().all()
    return [(year, day, held) for year, day, held in years if judged.get(year) != (day, held)]


def fingerprint(region: str) -> str:
    """Tells what the rules across forms are, and what a region says of them."""
    return sha256(f"{selects()!r}{lines_about(region, selects()) or ''}".encode()).hexdigest()[:16]


def said_across(
    connection: Connection,
    readings: Collection[int],
    known: dt.datetime | None = None,
    by_id: dict[int, Finding] | None = None,
) -> dict[int, list[Finding]]:
    """Reading id → what rules across forms say of it now, or said at a moment; both documents are named.

    Of rules put aside, or judging otherwise than usual, a note each. `by_id` gets each finding by its number.
    """
    rows = connection.execute(text(SAID), {"readings": list(readings), "known": known}).mappings().all()
    findings: dict[int, list[Finding]] = {}
    if not rows:
        return findings
    names = _names(connection, rows)
    states: dict[int, dict[str, RuleState]] = {}
    for row in rows:
        if row["rule"] in RULES:
            found = _finding(RULES[row["rule"]], names.get(row["school_id"]), row)
            findings.setdefault(row["reading_id"], []).append(found)
            if by_id is not None:
                by_id[row["finding_across_id"]] = found
            if row["state"]:
                line = RuleState.of_line(row["region"], row["state"])
                states.setdefault(row["reading_id"], {})[row["rule"]] = line
    return {reading: settled(said, states.get(reading, {}), "forms") for reading, said in findings.items()}


def found_across(connection: Connection, numbers: Collection[int]) -> dict[int, Finding]:
    """Number of a finding across forms → what it says, whether it is still said or not."""
    asked = {"numbers": list(numbers)}
    rows = connection.execute(text(f"{FOUND} WHERE a.finding_across_id = ANY (:numbers)"), asked).mappings().all()
    names = _names(connection, rows) if rows else {}
    return {
        row["finding_across_id"]: _finding(RULES[row["rule"]], names.get(row["school_id"]), row)
        for row in rows
        if row["rule"] in RULES
    }


def _names(connection: Connection, rows: Sequence[RowMapping]) -> dict[int, str]:
    """School id → its name, of the schools of findings, of which there is one at least."""
    schools = [row["school_id"] for row in rows if row["school_id"]]
    asked = {"day": max(row["as_of"] for row in rows), "schools": schools}
    return dict(connection.execute(text(SCHOOL_NAMES), asked).tuples().all())


def _finding(rule: Rule, school: str | None, row: RowMapping) -> Finding:
    value = _of_document("across.stated", row["value"], row["form"], row["file"], row["as_of"])
    expected = _of_document("across.other", row["expected"], row["other_form"], row["other_file"], row["other_as_of"])
    whose = "".join(f"{part}: " for part in (school, row["place"]) if part)
    return Finding(
        rule.id, rule.severity, rule.scope, None, None, None, rule.column, value, expected, row["difference"],
        message=f"{whose}{rule.what} Указано: «{value}». Ожидается: {expected}. {rule.mend}",
    )  # fmt: skip


def _of_document(phrase: str, told: str | None, form: str, file: str, as_of: dt.date) -> str:
    """What a document says, with its name and date."""
    name = NAMELESS.get(form) or file
    return phrases()[phrase].format(told=told or "—", file=name, day=f"{as_of:%d.%m.%Y}")
