"""A server or a database that cannot hold a warehouse is told in a sentence before anything is made in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from warehouse.schema.upgrade import connect, unfit, upgrade
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


def test_the_documents_name_the_same_version() -> None:
    told = Path(__file__).parents[2] / "docs" / "operate.md"
    assert "(15 or newer, a database in UTF8)" in told.read_text(encoding="utf-8")
