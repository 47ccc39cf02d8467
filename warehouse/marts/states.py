"""How complete and how sure the figures of a date are, asked once for all marts and put aside for their SELECTs."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Connection, text

from warehouse.core.copying import run_script
from warehouse.marts.definitions import marts

TABLE = """
CREATE TEMP TABLE IF NOT EXISTS states (
    as_of date, forms text, completeness numeric, known_at timestamptz, is_final boolean, judged_by text,
    by_older_rules boolean
) ON COMMIT DROP
"""
STATES = """
INSERT INTO pg_temp.states
SELECT cast(:as_of AS date), s.forms, s.completeness, s.known_at, s.is_final, s.judged_by, s.by_older_rules
FROM ops.states_at(
    :region, cast(:as_of AS date), cast(:known_at AS timestamptz),
    cast(:sets AS text[]) || ARRAY(SELECT form FROM ref.form)
) s
"""


def make_states(connection: Connection) -> None:
    """Make `pg_temp.states`, empty, until the end of the transaction; nothing happens where it is."""
    run_script(connection, TABLE)


def drop_states(connection: Connection) -> None:
    """Put it away before the transaction ends."""
    run_script(connection, "DROP TABLE pg_temp.states")


def put_states_aside(connection: Connection, region: str, as_of: dt.date, known_at: str) -> None:
    """Fill `pg_temp.states` for a date of a region: a row for the forms of each mart, and for each form alone.

    What stands there for the date is replaced.
    """
    make_states(connection)
    sets = sorted({mart.set_of_forms for mart in marts() if mart.forms})
    asked = {"region": region, "as_of": as_of, "known_at": known_at, "sets": sets}
    connection.execute(text("DELETE FROM pg_temp.states WHERE as_of = :as_of"), asked)
    connection.execute(text(STATES), asked)
