"""Before an upgrade the new code backs up a warehouse of any earlier migration, and brings it back."""

from __future__ import annotations

import datetime as dt
import hashlib
import shutil
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from flows.home.archived import parts
from flows.home.keyring import keyring_of
from flows.home.settings import Settings
from flows.upkeep.backup import backup, bring_back
from warehouse.schema.upgrade import MIGRATIONS, connect, migrate

REVISIONS = sorted(path.name.split("_", 1)[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))
DELIVERY = """
INSERT INTO ops.delivery (sha256, file_name, byte_size, archive_path, {times})
VALUES (:sha256, 'Отчёт.xlsx', :size, :place, {moments})
"""
NOW = dt.datetime(2023, 9, 9, 3, tzinfo=dt.UTC)
BYTES = b"a delivery of those days"


@pytest.mark.parametrize("revision", REVISIONS)
def test_each_earlier_revision_is_backed_up_and_restored(databases: Any, tmp_path: Path, revision: str) -> None:
    sha256 = hashlib.sha256(BYTES).hexdigest()
    place = f"{sha256[:2]}/{sha256}"
    with databases.fresh("template0") as old, databases.fresh("template0") as new:
        homes = [Settings(home=tmp_path / name, database_url=url) for name, url in (("old", old), ("new", new))]  # type: ignore[arg-type]
        engine = connect(old)
        with engine.begin() as connection:
            migrate(connection, revision)
            times = ["received_at"] if revision < "0010" else ["received_at", "counts_at"]
            statement = DELIVERY.format(times=", ".join(times), moments=", ".join(["'2023-09-01'"] * len(times)))
            connection.execute(sa.text(statement), {"sha256": sha256, "size": len(BYTES), "place": place})
        engine.dispose()
        (homes[0].archive / place).parent.mkdir(parents=True)
        (homes[0].archive / place).write_bytes(BYTES)
        manifest = backup(homes[0], tmp_path / "backup", NOW)
        assert (manifest["revision"], manifest["deliveries"]) == (revision, 1)
        assert not (tmp_path / "backup" / "archive" / place).exists(), "of a warehouse of before all is sealed"
        shutil.copytree(homes[0].keys, homes[1].keys)
        bring_back(homes[1], tmp_path / "backup", NOW)
        assert b"".join(parts(homes[1].archive / place, keyring_of(homes[1]))) == BYTES
        engine = connect(new)
        with engine.connect() as connection:
            assert connection.scalar(sa.text("SELECT max(version_num) FROM ops.alembic_version")) == REVISIONS[-1]
            assert connection.scalar(sa.text("SELECT sha256 FROM ops.delivery")) == sha256
        engine.dispose()
