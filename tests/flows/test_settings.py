import os
import shutil
import stat
from pathlib import Path

import pytest
from pydantic import ValidationError

from flows.home.pupil_key import key_of_home
from flows.home.settings import Settings
from flows.home.settings_table import settings_table


def test_everything_lies_in_the_home(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    settings.prepare()
    assert {path.name for path in tmp_path.iterdir()} == {"inbox", "outbox", "archive", "keys"}
    assert stat.S_IMODE(settings.archive.stat().st_mode) == stat.S_IMODE(settings.keys.stat().st_mode) == 0o700


def test_what_several_machines_share_lies_where_a_setting_says(tmp_path: Path) -> None:
    """The first machine makes the folders; the next one does not make an inbox that is gone anew."""
    shared = {name: tmp_path / "shared" / name for name in ("inbox", "archive", "outbox")}
    first, second = (Settings(home=tmp_path / name, **shared) for name in ("one", "two"))  # type: ignore[arg-type]
    first.prepare()
    assert {path.name for path in first.home.iterdir()} == {"keys"}
    assert first.elsewhere == shared and Settings(home=tmp_path).elsewhere == {}
    shutil.rmtree(first.inbox)
    second.prepare()
    assert {path.name for path in (tmp_path / "shared").iterdir()} == {"archive", "outbox"}


def test_a_home_that_is_the_share_is_one_of_several_machines(tmp_path: Path) -> None:
    """Who says where the folders lie says that others have them too, also where it is his own home."""
    own = {name: tmp_path / name for name in ("inbox", "archive", "outbox")}
    sharing = Settings(home=tmp_path, **own)  # type: ignore[arg-type]
    sharing.prepare()
    draft = sharing.archive / ".0123456789abcdef"
    draft.write_bytes(b"another machine writes it now, and its lock is not seen here")
    sharing.prepare()
    assert draft.exists() and sharing.elsewhere == own
    Settings(home=tmp_path).prepare()
    assert not draft.exists(), "nobody else writes there: its writer is dead"


def test_pupil_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    key = key_of_home(settings)
    assert len(key) == 32
    assert key_of_home(Settings(home=tmp_path)) == key
    assert stat.S_IMODE((settings.keys / "pupil.key").stat().st_mode) == 0o600
    assert [path.name for path in settings.keys.iterdir()] == ["pupil.key"]


def test_variables_have_the_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("PROFMIN_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PROFMIN_WORKERS", "7")
    monkeypatch.setenv("PROFMIN_LOG_LEVEL", "DEBUG")
    monkeypatch.setenv("PROFMIN_DATABASE_URL", "")
    found = Settings()
    assert (found.workers, found.log_level, found.database_url, found.home) == (7, "debug", None, Path(".profmin"))


@pytest.mark.parametrize(
    ("name", "value"), [("regions", "nowhere"), ("workers", 0), ("log_level", "loud"), ("pg_listen", "0.0.0.0:5432")]
)
def test_what_cannot_be_is_refused(name: str, value: object) -> None:
    with pytest.raises(ValidationError):
        Settings(**{name: value})  # type: ignore[arg-type]


def test_password_is_not_shown() -> None:
    assert "secret" not in repr(Settings(database_url="postgresql://user:secret@host/db"))  # type: ignore[arg-type]


def test_each_setting_is_described() -> None:
    table = settings_table()
    for name, field in Settings.model_fields.items():
        assert field.description and f"`PROFMIN_{name.upper()}`" in table
