"""A warehouse with rows of every mart for several units of two regions, and logins that may see some of them.

One region is published from a document of every form. What it published is copied under other units, and into a region
of two units, so that no mart lacks rows of somebody else; each row has an older version with other figures.
"""

from __future__ import annotations

import datetime as dt
import os

import sqlalchemy as sa
from hand_made import DAY, VERSION, delivery
from truth import plain, truth

from contracts.forms import FORMS
from warehouse.deliveries.load import load
from warehouse.marts.definitions import Mart, marts
from warehouse.marts.publication import publish
from warehouse.marts.published import register
from warehouse.marts.shapes import shape
from warehouse.schema.access import grant

HERE, THERE = "69", "39"
UNITS = {HERE: ("chainsky", "asinovsky", "kedrovy", "tomsk_city"), THERE: ("amber", "baltic")}
NIGHT = DAY - dt.timedelta(days=7)
SEEN: dict[str, list[tuple[str | None, str | None]]] = {
    "of_country": [(None, None)],
    "of_here": [(HERE, None)],
    "of_chainsky": [(HERE, "chainsky")],
    "of_kedrovy": [(HERE, "kedrovy")],
    "of_amber": [(THERE, "amber")],
    "of_both": [(HERE, "asinovsky"), (THERE, None)],
    "of_nothing": [],
    "of_old": [(None, None)],
}
"""Whoever may see something: what, as (region, unit). The last two have no line of their own: one sees nothing, one is
of the role that tools read with before."""
OF_A_UNIT = ("reporting_unit", "sender", "territory", "school_code")
COPY = """
INSERT INTO {history} ({columns}, published_at, replaced_at)
SELECT {selected}, {published_at}, {replaced_at} FROM {history} AS h
WHERE h.region = '69' AND h.as_of = CAST(:day AS date) AND h.replaced_at = 'infinity' AND ({of_first})
"""
FIRST = "chainsky"


def login(name: str) -> str:
    """The role of one of these on the server, which other workers use too."""
    return f"{name}_{os.getpid()}"


def live_access(engine: sa.Engine) -> None:
    """Fill a warehouse, and make the logins."""
    (defining,) = (form for form in FORMS if form.defines_schools)
    for form in (defining, *(form for form in FORMS if form is not defining)):
        with engine.connect() as connection:
            schools = register(connection, "69").select(
                "school_id", "school_code", "short_name", "territory", "subordination", "pupils_6_11"
            )
        load(engine, plain(form, truth(form), schools), delivery(engine), VERSION)
    publish(engine, HERE, [NIGHT, DAY])
    with engine.begin() as connection:
        connection.execute(
            sa.text("""
            INSERT INTO ref.region (region, name, time_zone, language, position)
            VALUES ('39', 'Янтарный край', 'Europe/Kaliningrad', 'ru', 2)
        """)
        )
        connection.execute(
            sa.text("""
            INSERT INTO ref.reporting_unit
                (region, reporting_unit, name, kind, municipality_type, oktmo, position, valid_from, valid_to)
            SELECT '39', u, u, 'municipality', 'район', '27000000', 1, '0001-01-01', '9999-12-31'
            FROM unnest(ARRAY['amber', 'baltic']) AS u
        """)
        )
        connection.execute(
            sa.text("""
            INSERT INTO ops.publication (region, as_of, known_at, published_at)
            SELECT '39', as_of, known_at, published_at FROM ops.publication
            UNION ALL SELECT r, as_of, known_at, published_at - interval '1 hour'
            FROM ops.publication, unnest(ARRAY['69', '39']) AS r
        """)
        )
        connection.execute(
            sa.text("""
            INSERT INTO history.rule_states (region, as_of, position, rule, what, published_at)
            SELECT '69', as_of, 1, 'RDY-011', 'Правило', max(published_at) FROM ops.publication
            WHERE region = '69' GROUP BY as_of
        """)
        )
        # Units state totals of their own, too.
        connection.execute(sa.text("UPDATE history.control_totals SET sender = 'chainsky' WHERE position % 2 = 0"))
        for mart in marts():
            for unit in {"reporting_unit", "sender"} & set(mart.columns):
                gone = f"DELETE FROM {mart.history} WHERE {unit} = ANY (:units)"
                connection.execute(sa.text(gone), {"units": list(UNITS[HERE][1:])})
            for day in (NIGHT, DAY):
                _copy(connection, mart, day)
    for name, seen in SEEN.items():
        for region, unit in seen if name != "of_old" else ():
            grant(engine, login(name), region, unit)
    with engine.begin() as connection:
        # They log in nowhere: else the doctor of every other warehouse on the server asks for their limits.
        for name, reader in (("of_nothing", "mart_reader"), ("of_old", "bi_reader")):
            connection.execute(sa.text(f"CREATE ROLE {login(name)} NOLOGIN; GRANT {reader} TO {login(name)}"))
        connection.execute(sa.text("ANALYZE"))


def _copy(connection: sa.Connection, mart: Mart, day: dt.date) -> None:
    """Rows of a mart for the other units and the other region, and an older version of each in which figures differ."""
    kept = [
        (name, kind) for name, kind in shape(connection, mart.history) if name not in ("published_at", "replaced_at")
    ]
    of_unit = [name for name, _ in kept if name in OF_A_UNIT]
    for turn, (region, unit) in enumerate((region, unit) for region, units in UNITS.items() for unit in units):
        if (region, unit) == (HERE, FIRST) or (not of_unit and unit != UNITS[region][0]):
            continue
        changed = {"region": f"'{region}'", "position": f"h.position + {1000 * turn}"}
        changed |= {
            name: f"replace(h.{name}, '{FIRST}', '{unit}')" if name != "school_code" else f"h.school_code || '-{unit}'"
            for name in of_unit
        }
        if mart.key and not of_unit and region == HERE:
            continue
        columns = [name for name, _ in kept]
        connection.execute(
            sa.text(
                COPY.format(
                    history=mart.history,
                    columns=", ".join(columns),
                    selected=", ".join(changed.get(name, f"h.{name}") for name in columns),
                    published_at="h.published_at",
                    replaced_at="h.replaced_at",
                    of_first=" OR ".join(f"h.{name} = '{FIRST}'" for name in of_unit if name != "school_code")
                    or "true",
                )
            ),
            {"day": day},
        )
    figures = [(name, kind) for name, kind in kept if kind in ("bigint", "integer", "numeric") and name != "position"]
    older = {name: f"h.{name} + 1" for name, _ in figures}
    columns = [name for name, _ in kept]
    connection.execute(
        sa.text(
            f"INSERT INTO {mart.history} ({', '.join(columns)}, published_at, replaced_at)"
            f" SELECT {', '.join(older.get(name, f'h.{name}') for name in columns)},"
            f" h.published_at - interval '1 hour', h.published_at"
            f" FROM {mart.history} AS h WHERE h.as_of = :day AND h.replaced_at = 'infinity'"
        ),
        {"day": day},
    )
