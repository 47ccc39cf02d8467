"""A server or a database that cannot hold a warehouse is told in a sentence before anything is made in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from warehouse.schema import upgrade as of_schema
from warehouse.schema.upgrade import connect, migrate, too_few_locks, unfit, upgrade
from warehouse.server.programs import ServerError


@pytest.mark.parametrize("encoding", ["WIN1251", "SQL_ASCII", "KOI8R"])
def test_a_database_of_another_encoding(databases: Any, encoding: str) -> None:
    name = f"profmin_odd_{encoding.lower()}_{id(databases):x}"
    with databases.admin.connect() as connection:
        connection.execute(
            sa.text(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}' LOCALE_PROVIDER libc LOCALE 'C'")
        )
        try:
            engine = connect(databases.url(name))
            with pytest.raises(ServerError, match=f"keeps texts in {encoding}; UTF8 is needed"):
                upgrade(engine)
            with engine.connect() as asked:
                made = "SELECT count(*) FROM pg_namespace WHERE nspname IN ('ops', 'core', 'mart')"
                assert asked.scalar(sa.text(made)) == 0
            engine.dispose()
        finally:
            connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))


def test_a_server_that_is_too_old() -> None:
    assert unfit(140_012, "14.12", "UTF8", "d") == "the server is Postgres 14.12; 15 or newer is needed"
    assert unfit(150_000, "15.0", "UTF8", "d") is None


def test_a_server_that_keeps_too_few_locks(databases: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert too_few_locks(0, 64, 100) is None
    assert too_few_locks(150, 64, 100) is None
    told = too_few_locks(2500, 64, 100)
    assert told is not None and "2500 copies of exports" in told and "max_locks_per_transaction = 370," in told
    assert too_few_locks(2500, 370, 100) is None
    with databases.fresh("template0") as url:
        engine = connect(url)
        with engine.begin() as connection:
            migrate(connection, "0025")
            copy = "CREATE TABLE restricted.pupil_fact_1 PARTITION OF restricted.pupil_fact FOR VALUES IN (1)"
            connection.execute(sa.text(copy))
        with monkeypatch.context() as patched:
            patched.setattr(of_schema, "OTHER_LOCKS", 10_000_000)
            with pytest.raises(ServerError, match="has 1 copies of exports"):
                upgrade(engine)
        with engine.connect() as connection:
            assert connection.scalar(sa.text("SELECT max(version_num) FROM ops.alembic_version")) == "0025"
        upgrade(engine)
        with engine.connect() as connection:
            assert connection.scalar(sa.text("SELECT to_regclass('restricted.pupil_fact')")) is None
        engine.dispose()


def test_the_documents_name_the_same_version() -> None:
    told = Path(__file__).parents[2] / "docs" / "operate.md"
    assert "(15 or newer, a database in UTF8)" in told.read_text(encoding="utf-8")
