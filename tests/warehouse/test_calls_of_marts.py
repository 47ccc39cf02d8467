"""What a mart costs grows with its rows, not with rows times what a function looks at: a function is called for a date,
a sender or a document, and not for each class.

Nothing here names a mart or a form: of every form that states classes twenty letters are made of one.
"""

from __future__ import annotations

from collections import Counter

import pytest
import sqlalchemy as sa
from hand_made import DAY, VERSION, delivery
from truth import plain, truth

from contracts.forms import FORMS
from warehouse.deliveries.load import load
from warehouse.marts.definitions import marts
from warehouse.marts.publication import EVERYTHING, PLANS
from warehouse.marts.published import register
from warehouse.marts.states import put_states_aside
from warehouse.schema.facts import fact_columns, fact_table

ASKED = 20
"""How often a mart may look up an input, such as the calendar that judges its date: far from each day of a year."""
CALLED = "SELECT schemaname || '.' || funcname, sum(calls)::integer FROM pg_stat_xact_user_functions GROUP BY 1"
MORE = """
INSERT INTO core.{table} SELECT (jsonb_populate_record(f, jsonb_build_object('letter', l.letter))).*
FROM core.{table} f CROSS JOIN string_to_table('БВГДЕЖЗИКЛМНПРСТУФХ', NULL) AS l (letter) WHERE f.letter IS NOT NULL
ON CONFLICT DO NOTHING
"""
PER_ROW = """
SELECT count(ref.working_days_between(:region, :as_of, :as_of + e.grade::integer)) FROM core.level_choice_fact e
WHERE :known_at <> ''
"""


def asked(connection: sa.Connection, statement: str) -> Counter[str]:
    """How often a statement calls each function that stays a call: what the planner puts into the query is none."""
    before = Counter(dict(connection.execute(sa.text(CALLED)).tuples().all()))
    connection.execute(sa.text(statement), {"region": "69", "as_of": DAY, "known_at": EVERYTHING}).all()
    return Counter(dict(connection.execute(sa.text(CALLED)).tuples().all())) - before


def calls(engine: sa.Engine) -> dict[str, Counter[str]]:
    """Mart → functions that its SELECT calls, with how often; last a SELECT that does what none should."""
    engine.dispose()  # a new session: a function that was called a few times is planned otherwise
    with engine.begin() as connection:
        connection.execute(sa.text(PLANS))
        put_states_aside(connection, "69", DAY, EVERYTHING)
        connection.execute(sa.text("SET LOCAL track_functions = 'all'"))
        found = {mart.name: asked(connection, mart.statement) for mart in marts()}
        return {**found, "for each row": asked(connection, PER_ROW)}


@pytest.fixture
def everything(engine: sa.Engine) -> sa.Engine:
    """A document of every form."""
    (defining,) = (form for form in FORMS if form.defines_schools)
    for form in (defining, *(form for form in FORMS if form is not defining)):
        with engine.connect() as connection:
            schools = register(connection, "69").select(
                "school_id", "school_code", "short_name", "territory", "subordination", "pupils_6_11"
            )
        load(engine, plain(form, truth(form), schools), delivery(engine), VERSION)
    return engine


def test_no_mart_calls_a_function_for_each_class(everything: sa.Engine) -> None:
    """Slow: a document of every form is loaded."""
    few = calls(everything)
    assert {name: counted for name, counted in few.items() if counted["ref.input_lines"] > ASKED} == {}
    with everything.begin() as connection:
        for form in FORMS:
            if any(column.name == "letter" for column in fact_columns(form)):
                assert connection.execute(sa.text(MORE.format(table=fact_table(form)))).rowcount > 10, form.name
    more = {name: counted - few[name] for name, counted in calls(everything).items()}
    assert more.pop("for each row")["ref.working_days_between"] > 10, "calls are counted"
    assert {name: counted for name, counted in more.items() if counted} == {}
