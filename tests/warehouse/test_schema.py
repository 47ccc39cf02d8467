"""Bringing a database up to date, and what the schema itself refuses."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory
from hand_made import delivery, loaded, report, school_ids, school_register

from contracts.form import Column, Edition, Form
from contracts.forms import FORMS, form_named
from contracts.forms.readiness_report.form import FORM as READINESS_REPORT
from contracts.reading import Rows
from warehouse.schema import upgrade as database
from warehouse.schema.facts import column_types, fact_columns, statements
from warehouse.schema.reference import sync_reference
from warehouse.schema.upgrade import connect, is_applied, upgrade


@pytest.fixture
def empty_url(databases: Any) -> Iterator[str]:
    with databases.fresh("template0") as url:
        yield url


def test_an_empty_database_is_brought_up_to_date_once(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = connect(empty_url)
    upgrade(engine)
    monkeypatch.setattr(database, "migrate", lambda _: pytest.fail("there was nothing to do"))
    upgrade(engine)
    with engine.connect() as connection:
        script = ScriptDirectory.from_config(alembic_config())
        assert connection.scalar(sa.text("SELECT version_num FROM ops.alembic_version")) == script.get_current_head()
    engine.dispose()


def alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(database.MIGRATIONS))
    return config


def test_many_may_upgrade_at_once(empty_url: str) -> None:
    errors: list[BaseException] = []

    def run() -> None:
        engine = connect(empty_url)
        try:
            upgrade(engine)
        except BaseException as error:  # noqa: BLE001
            errors.append(error)
        finally:
            engine.dispose()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_reference_data_that_did_not_change_is_not_written(engine: sa.Engine) -> None:
    versions = "SELECT xmin::text FROM ref.reporting_unit UNION ALL SELECT xmin::text FROM ref.rule ORDER BY 1"
    with engine.begin() as connection:
        before = connection.scalars(sa.text(versions)).all()
        connection.execute(sa.text("DELETE FROM ops.applied"))
    upgrade(engine)
    with engine.connect() as connection:
        assert connection.scalars(sa.text(versions)).all() == before


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_fact_tables_have_the_columns_of_the_contract(module_database_url: str, form: Form) -> None:
    with connect(module_database_url).connect() as connection:
        found = column_types(connection, form)
    assert found.pop("reading_id") == "bigint"
    assert found == {column.name: column.type for column in fact_columns(form)}
    personal = {column.name for edition in form.editions for column in edition.columns if column.personal}
    assert not personal & set(found)


def test_a_column_that_an_edition_adds_is_added(engine: sa.Engine) -> None:
    form = READINESS_REPORT
    last = form.editions[-1]
    added = Column("mentors", "Наставников", "count", "Сколько наставников: 100 % и «более» не годятся.")
    later = Edition("2024", last.valid_from.replace(year=2024), (*last.columns, added), last.rules)
    form = replace(form, editions=(*form.editions, later))
    with engine.begin() as connection:
        assert not is_applied(connection, database.fingerprint([form]))
    upgrade(engine, [form])
    with engine.connect() as connection:
        assert column_types(connection, form)["mentors"] == "bigint"
        comment = """
            SELECT col_description(attrelid, attnum) FROM pg_attribute
            WHERE attname = 'mentors' AND attrelid = 'core.readiness_report_fact'::regclass
        """
        assert str(connection.scalar(sa.text(comment))).startswith("Наставников. Сколько")


def test_a_column_that_changes_its_type_takes_a_migration(engine: sa.Engine) -> None:
    form = READINESS_REPORT
    columns = tuple(
        replace(column, kind="text") if column.name == "navigators" else column for column in form.editions[0].columns
    )
    with pytest.raises(ValueError, match="navigators is bigint, the contract says text"):
        upgrade(engine, [replace(form, editions=(replace(form.editions[0], columns=columns),))])


def test_fact_tables_are_made_of_the_form_alone() -> None:
    made = "\n".join(statements(form_named("registration_export")))
    assert "PRIMARY KEY (reading_id, school_id, grade)" in made
    assert "full_name" not in made


def test_a_reading_that_loses_a_row_is_refused(engine: sa.Engine) -> None:
    loaded(engine, school_register({"asinovsky": 2}))
    made = report(school_ids(engine), "asinovsky", [1, 2])
    with pytest.raises(Exception, match="nothing_is_lost"):
        loaded(engine, replace(made, rows=Rows(5, 2, 0, 1)))
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM ops.reading")) == 1
        assert connection.scalar(sa.text("SELECT count(*) FROM core.readiness_report_fact")) == 0


def test_a_driver_that_is_not_ours_is_refused() -> None:
    assert connect("postgresql://localhost/x").dialect.driver == "psycopg2"
    with pytest.raises(ValueError, match="psycopg2"):
        connect("sqlite://")


def test_our_statements_are_not_compiled(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SHOW jit")) == "off"
        connection.rollback()
        assert connection.scalar(sa.text("SHOW jit")) == "off"


def test_bi_reads_marts_and_nothing_else(engine: sa.Engine) -> None:
    from warehouse.marts.publication import publish

    made = school_register({"asinovsky": 2})
    loaded(engine, made)
    assert made.as_of is not None
    publish(engine, "69", [made.as_of])
    delivery(engine)
    with engine.connect() as connection:
        connection.execute(sa.text("SET ROLE bi_reader"))
        for mart in ("readiness_by_municipality", "readiness_region", "registration_region"):
            assert connection.scalar(sa.text(f"SELECT count(*) FROM mart.{mart}"))
        for table in ("ops.reading", "ref.rule", "core.school_register_fact", "restricted.pupil_version", "ref.school"):
            with pytest.raises(sa.exc.ProgrammingError, match="permission denied"), connection.begin_nested():
                connection.execute(sa.text(f"SELECT count(*) FROM {table}"))
        with pytest.raises(sa.exc.DBAPIError, match="cannot delete from view"), connection.begin_nested():
            connection.execute(sa.text("DELETE FROM mart.readiness_by_municipality"))
    with engine.connect() as connection:
        of_public = """
            SELECT count(*) FROM information_schema.table_privileges
            WHERE grantee = 'PUBLIC' AND table_schema = ANY (:ours)
        """
        ours = ["ref", "ops", "core", "restricted", "mart"]
        assert connection.scalar(sa.text(of_public), {"ours": ours}) == 0
        usable = """
            SELECT nspname FROM pg_namespace
            WHERE nspname = ANY (:ours) AND has_schema_privilege('bi_reader', oid, 'USAGE')
        """
        assert list(connection.scalars(sa.text(usable), {"ours": ours})) == ["mart"]


def test_further_units_become_senders_that_owe_reports(engine: sa.Engine) -> None:
    unit = {"reporting_unit": "atlantis", "name": "Атлантида", "kind": "municipality", "municipality_type": "остров"}
    units = pl.DataFrame([{**unit, "oktmo": "00000000", "valid_from": "0001-01-01", "valid_to": "9999-12-31"}])
    aliases = pl.DataFrame([{"alias": "Atlantis", "reporting_unit": "atlantis", "why": "опыт"}])
    owed = sa.text("SELECT form FROM ref.roster_at('69', '2023-09-08') WHERE sender = 'atlantis'")
    for _ in range(2):
        with engine.begin() as connection:
            sync_reference(connection, units=units, aliases=aliases)
            assert connection.scalars(owed).all() == ["readiness_report"], "others are collected later"
            place = "SELECT position FROM ref.reporting_unit WHERE reporting_unit = 'atlantis'"
            assert connection.scalar(sa.text(place)) == 22
