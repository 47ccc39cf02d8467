"""The flow on a real Prefect server and a real Postgres; few runs, as each costs seconds.

Slow: Prefect's server starts, and the demo runs its two nights as people see it.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from evidence import assert_nowhere, picked, planted
from packs import REGION

from contracts.vocabulary import rows
from documents.demo import programme_files, tomsk
from flows.home.settings import Settings
from warehouse.marts.published import mart
from warehouse.schema.upgrade import connect

Run = Callable[..., "subprocess.CompletedProcess[str]"]
AS_OF = dt.date(2023, 9, 8)


@pytest.fixture
def engine(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[sa.Engine]:
    """The database of `settings`, which the flow finds in the environment."""
    assert settings.database_url is not None
    monkeypatch.setenv("PROFMIN_DATABASE_URL", settings.database_url.get_secret_value())
    monkeypatch.setenv("PROFMIN_VOUCHED_CHANNELS", settings.vouched_channels or "")
    found = connect(settings.database_url.get_secret_value())
    yield found
    found.dispose()


def night_of(settings: Settings, as_of: dt.date | None = AS_OF) -> Any:
    from flows.nightly import nightly

    return nightly(as_of, str(settings.home), return_state=True)


def asked(state: Any) -> Any:
    """The flow run of a state, its task runs, logs and artifacts, as the server has them."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId
    from prefect.logging.handlers import APILogHandler

    APILogHandler().flush()
    run_id = state.state_details.flow_run_id
    with get_client(sync_client=True) as client:
        run = client.read_flow_run(run_id)
        logs = client.read_logs(log_filter=LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run_id])), limit=200)
        artifacts = client.request("POST", "/artifacts/filter", json={}).json()
    own = [artifact for artifact in artifacts if artifact["flow_run_id"] == str(run_id)]
    return run, [log.message for log in logs], own


@pytest.mark.usefixtures("prefect_server")
def test_a_night_of_the_region(settings: Settings, engine: sa.Engine, region_inbox: Path) -> None:
    state = night_of(settings)
    assert (state.type.value, state.name) == ("COMPLETED", "Completed with findings")
    (night,) = state.result(raise_on_failure=False)
    assert (night.region, night.as_of) == (REGION, AS_OF)
    assert night.as_of == AS_OF and len(night.outcomes) == 26 and night.quarantined == 18
    with engine.connect() as connection:
        assert mart(connection, "readiness_region", AS_OF)["accepted"].to_list() == [244]
        runs = connection.execute(sa.text("SELECT kind, as_of, state, flow_run_id FROM ops.run")).tuples().all()
    run, messages, artifacts = asked(state)
    assert runs == [("nightly", AS_OF, "completed with findings", str(run.id))]
    assert run.name == "nightly 2023-09-08"
    assert set(run.tags) == {"nightly", "2023-09-08", "69"}
    assert "26 files in the inbox" in messages
    assert [artifact["key"] for artifact in artifacts] == ["nightly-69"]
    assert "| Асиновский муниципальный район | 12 | 4 | 0 | 8 | 33,3 % | 🔴 |" in artifacts[0]["data"]
    assert len(list(settings.outbox.rglob("*.квитанция.xlsx"))) == len(night.outcomes)

    again = night_of(settings)
    assert (again.name, again.result(raise_on_failure=False)[0].outcomes) == ("Completed", ())
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM ops.reading")).scalar() == 26
        assert connection.execute(sa.text("SELECT count(*) FROM ops.arrival")).scalar() == 26


@pytest.mark.usefixtures("prefect_server")
def test_a_night_that_meets_everything(
    settings: Settings, engine: sa.Engine, region_files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refused file, a fault that passes, and a bug: the rest is loaded, and the night says that it failed."""
    import flows.intake.loading
    import flows.nightly

    for path in picked(region_files, "department/Реестр", "asinovsky", "kedrovy", "parabelsky").values():
        shutil.copytree(path.parent, settings.inbox / path.parent.name, dirs_exist_ok=True)
    (settings.inbox / "bakcharsky").mkdir()
    (settings.inbox / "bakcharsky" / "оборванный.xlsx").write_bytes(b"PK\x03\x04 and no more PK\x05\x06")
    right = flows.intake.loading.load_many
    calls: list[str] = []

    class OperationalError(Exception):
        """The driver's, known by its name."""

    def shaky(engine: Any, pairs: Any, *rest: Any) -> Any:
        (sender,) = {reading.sender for reading, _ in pairs}
        calls.append(sender)
        if sender == "kedrovy" and calls.count(sender) == 1:
            raise OperationalError("server closed the connection unexpectedly\nCONTEXT: Секретов")
        if sender == "parabelsky":
            raise ZeroDivisionError("Секретов Тайник")
        return right(engine, pairs, *rest)

    monkeypatch.setattr(flows.intake.loading, "load_many", shaky)
    quick = flows.nightly.take_in.with_options(retry_delay_seconds=0, retry_condition_fn=flows.nightly.fault_may_pass)
    monkeypatch.setattr(flows.nightly, "take_in", quick)
    state = night_of(settings)
    assert state.type.value == "FAILED"
    outcomes = {outcome.place: outcome for outcome in state.result(raise_on_failure=False)[0].outcomes}
    assert {place: outcome.verdict for place, outcome in outcomes.items() if place != "department"} == {
        "asinovsky": "accepted", "kedrovy": "accepted", "parabelsky": None, "bakcharsky": "refused",
    }  # fmt: skip
    assert calls.count("kedrovy") == 2
    assert calls.count("parabelsky") == 1
    _, messages, _ = asked(state)
    assert not any("Секретов" in message for message in messages)
    assert any("ZeroDivisionError" in message for message in messages)
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT state FROM ops.run")).scalar() == "failed"
        assert mart(connection, "readiness_region", AS_OF).height == 1


@pytest.mark.usefixtures("prefect_server", "engine")
def test_business_date_is_the_scheduled_day_in_tomsk(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from zoneinfo import ZoneInfo

    import flows.nightly

    class Scheduled:
        scheduled_start_time = dt.datetime(2023, 9, 8, 19, 30, tzinfo=dt.UTC)

    monkeypatch.setattr(flows.nightly, "flow_run", Scheduled)
    assert flows.nightly.business_date(ZoneInfo("Asia/Tomsk")) == dt.date(2023, 9, 9)
    monkeypatch.undo()
    monkeypatch.setenv("PROFMIN_DATABASE_URL", settings.database_url.get_secret_value())  # type: ignore[union-attr]
    state = night_of(settings, None)
    assert (state.name, state.result()[0].as_of) == ("Completed", asked_day(state))


def asked_day(state: Any) -> dt.date:
    from zoneinfo import ZoneInfo

    run, _, _ = asked(state)
    day: dt.date = run.expected_start_time.astimezone(ZoneInfo("Asia/Tomsk")).date()
    assert run.name == f"nightly {day}"
    return day


@pytest.mark.usefixtures("prefect_server")
def test_a_database_that_is_away_fails_the_night(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROFMIN_DATABASE_URL", "postgresql+psycopg2://nobody@/nothing?host=/nonexistent")
    state = night_of(settings)
    assert state.type.value == "FAILED"
    assert "OperationalError" in str(state.result(raise_on_failure=False))


@pytest.mark.usefixtures("prefect_server", "engine")
def test_a_night_tells_prefect_no_names(settings: Settings, region_files: Path) -> None:
    from prefect.logging.handlers import APILogHandler

    files = picked(region_files, "department/Реестр", "regional_operator/Сводный")
    shutil.copytree(files["department/Реестр"].parent, settings.inbox / "department")
    export = settings.inbox / "regional_operator" / "Выгрузка 2023-09-08.xlsx"
    planted(files["regional_operator/Сводный"], export, "none")
    state = night_of(settings)
    assert state.name == "Completed with findings"
    APILogHandler().flush()
    kept = b"".join(path.read_bytes() for path in sorted(Path(os.environ["PREFECT_HOME"]).rglob("*.db*")))
    assert b"registration_export, regional_operator" in kept
    assert_nowhere(kept.decode("utf-8", "replace"), "Prefect's database")


FOUND = """
SELECT d.form, d.sender, g.rule, count(*)
FROM ops.finding g JOIN ops.reading d USING (reading_id)
WHERE g.severity = 'error' AND d.form NOT IN ('readiness_report', 'registration_export')
GROUP BY 1, 2, 3
"""


def test_demo_runs_with_nothing_set_up(profmin: Run, tmp_path: Path) -> None:
    """The embedded Postgres and a temporary Prefect server, both gone afterwards: twice at once, then again.

    Of two nights the second corrects the first; ledger, incidents and messages have something to show."""
    with ThreadPoolExecutor() as both:
        at_once = [each.result() for each in [both.submit(profmin, "demo") for _ in range(2)]]
    assert [each.returncode for each in at_once] == [0, 0], at_once
    first = profmin("demo")
    assert first.returncode == 0, first.stderr
    shown = first.stdout.replace("\N{NO-BREAK SPACE}", " ")
    for said in (
        "Готовность на 08.09.2023",
        "Регистрация на 08.09.2023",
        "Системы мониторинга на 08.09.2023",
        "43 000 из 61 429",
        "базовый 241, основной 40, прод. 4",
        "244",
        "85,6 %",
        "4 828",
        "все её строки (21) совпадают с нашими данными, расходится только «Итого»",
        "Новых файлов нет.",
        f"каким был задуман: неверных строк вписано намеренно {18 + programme_files.set_aside(tomsk())}, и все",
    ):
        assert said in shown
    for row in rows("systems"):
        assert f"\n{row['name']} " in shown, row["name"]
    assert max(map(len, first.stdout.splitlines())) <= 120
    assert "Traceback" not in first.stderr and "Секретов" not in first.stdout
    home = tmp_path / ".profmin"
    assert {path.name for path in home.iterdir()} >= {"inbox", "archive", "outbox", "keys", "pgdata", "prefect"}
    moved = profmin("mart", "corrections", "--as-of", "2023-09-07", "--format", "json")
    assert {(row["as_of"], row["name"], row["metric"], row["was"], row["became"])
            for row in json.loads(moved.stdout) if row["grain"] == "unit"} == {
        ("2023-09-07", "Колпашевский муниципальный район", "accepted", "13", "15"),
        ("2023-09-07", "Колпашевский муниципальный район", "missing", "2", "0"),
    }  # fmt: skip
    asked = profmin("db", "psql", "-At", "-F", ",", "-c", FOUND)
    found = Counter({tuple(line.split(",")[:3]): int(line.split(",")[3]) for line in asked.stdout.splitlines()})
    assert found == programme_files.planted(tomsk())
    for command in ("incidents", "messages"):
        assert json.loads(profmin(command, "--json").stdout)
