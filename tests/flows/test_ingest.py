"""Taking in the region without Prefect, on a real Postgres."""

from __future__ import annotations

import datetime as dt
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa
from evidence import picked
from packs import REGION

from contracts.versions.rule_versions import contract_version
from flows.cli.terminal import outcome_sentence
from flows.home.settings import Settings
from flows.home.usage import UsageError
from flows.intake.incoming import Options
from flows.intake.outcome import Outcome, exit_code
from flows.runs.ingest import ingest
from flows.runs.run_page import deliveries_section
from flows.runs.summary import Night, waiting_words
from warehouse.marts.published import mart, mart_names

AS_OF = dt.date(2023, 9, 8)


def counted(engine: sa.Engine, statement: str) -> Any:
    with engine.connect() as connection:
        return connection.execute(sa.text(statement)).scalar()


def all_marts(engine: sa.Engine) -> dict[str, str]:
    with engine.connect() as connection:
        return {name: mart(connection, name, AS_OF).write_json() for name in mart_names()}


def told(outcomes: list[Outcome]) -> list[tuple[str, str | None, int, int]]:
    return [(each.file, each.verdict, each.rows.loaded, each.rows.quarantined) for each in outcomes]


def test_region_comes_out_as_printed(settings: Settings, engine: sa.Engine, region_inbox: Path) -> None:
    outcomes = ingest([region_inbox], Options(), settings)
    assert Counter(each.verdict for each in outcomes) == {"accepted": 17, "partial": 9}
    assert sum(each.rows.quarantined for each in outcomes) == 18
    assert exit_code(outcomes) == 3
    with engine.connect() as connection:
        region = mart(connection, "readiness_region", AS_OF).row(0, named=True)
        assert (region["schools"], region["accepted"], region["rejected"], region["missing"]) == (285, 244, 18, 23)
        assert mart(connection, "registration_region", AS_OF)["actual_pupils"].to_list() == [4828]
    assert counted(engine, "SELECT string_agg(state, ',') FROM ops.run") == "completed with findings"
    assert settings.register.exists()
    receipts = sorted(settings.outbox.rglob("*.квитанция.xlsx"))
    assert len(receipts) == len(outcomes)
    assert {path.parent.name for path in receipts} == {each.sender for each in outcomes}


def test_the_same_files_twice_change_nothing(settings: Settings, engine: sa.Engine, region_inbox: Path) -> None:
    first = ingest([region_inbox], Options(), settings)
    readings = counted(engine, "SELECT count(*) FROM ops.reading")
    marts, receipts = all_marts(engine), {path: path.read_bytes() for path in settings.outbox.rglob("*.xlsx")}
    second = ingest([region_inbox], Options(as_of=None), settings)
    assert told(second) == told(first)
    assert [each.findings for each in second] == [each.findings for each in first]
    assert [each.layout for each in second] == [each.layout for each in first]
    assert all(each.is_repeat for each in second) and not any(each.is_repeat for each in first)
    assert exit_code(second) == exit_code(first)
    assert counted(engine, "SELECT count(*) FROM ops.reading") == readings
    assert counted(engine, "SELECT count(*) FROM ops.arrival WHERE is_repeat") == len(second)
    assert all_marts(engine) == marts
    assert {path: path.read_bytes() for path in settings.outbox.rglob("*.xlsx")} == receipts


def test_a_bad_file_is_refused_and_stops_nobody(settings: Settings, engine: sa.Engine, region_files: Path) -> None:
    folder = settings.inbox / "bakcharsky"
    folder.mkdir()
    good = picked(region_files, "department/Реестр", "asinovsky", "parabelsky")
    for path in good.values():
        shutil.copytree(path.parent, settings.inbox / path.parent.name, dirs_exist_ok=True)
    whole = good["parabelsky"].read_bytes()
    (folder / "оборванный.xlsx").write_bytes(whole[: len(whole) // 2])
    (folder / "пустой.xlsx").write_bytes(b"")
    (folder / "письмо.pdf").write_bytes(b"%PDF-1.7 \n%\xe2\xe3")
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(["Меню", "Цена"])
    book.active.append(["Борщ", 120])
    book.save(folder / "меню.xlsx")
    outcomes = {each.file: each for each in ingest([settings.inbox], Options(), settings)}
    refused = {name: each.findings[0].rule for name, each in outcomes.items() if each.verdict == "refused"}
    assert refused == {
        "оборванный.xlsx": "COM-003", "пустой.xlsx": "COM-001", "письмо.pdf": "COM-004", "меню.xlsx": "COM-010",
    }  # fmt: skip
    assert all(outcomes[name].findings[0].message for name in refused)
    assert outcomes[good["asinovsky"].name].verdict == "accepted"
    assert outcomes[good["parabelsky"].name].verdict == "accepted"
    assert exit_code(outcomes.values()) == 4
    assert (settings.outbox / "bakcharsky").is_dir()
    again = {each.file: each for each in ingest([settings.inbox], Options(), settings)}
    assert exit_code(again.values()) == 4
    assert again["меню.xlsx"].findings == outcomes["меню.xlsx"].findings


def test_our_own_failure_in_one_delivery_stops_no_other(
    settings: Settings, region_files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import flows.intake.readings

    files = picked(region_files, "department/Реестр", "asinovsky", "parabelsky")
    right = flows.intake.readings.interpret

    def wrong(deliveries: Any, context: Any) -> Any:
        if any(delivery.folder == "asinovsky" for delivery in deliveries):
            raise ZeroDivisionError("Секретов Тайник")
        return right(deliveries, context)

    monkeypatch.setattr(flows.intake.readings, "interpret", wrong)
    outcomes = {each.sender or each.folder: each for each in ingest(list(files.values()), Options(), settings)}
    assert outcomes["asinovsky"].verdict is None
    assert "ZeroDivisionError" in (outcomes["asinovsky"].failure or "")
    assert "Секретов" not in (outcomes["asinovsky"].failure or "")
    assert outcomes["parabelsky"].verdict == "accepted"
    assert exit_code(outcomes.values()) == 1
    monkeypatch.undo()
    (again,) = ingest([files["asinovsky"]], Options(), settings)
    assert again.verdict == "accepted" and not again.is_repeat


def test_a_report_waits_for_the_first_register(settings: Settings, engine: sa.Engine, region_files: Path) -> None:
    files = picked(region_files, "department/Реестр", "asinovsky", "regional_operator/План")
    before = ingest([files["asinovsky"], files["regional_operator/План"]], Options(), settings)
    assert [each.verdict for each in before] == [None, "accepted"]
    assert (before[0].waits_for, before[0].failure, before[0].result) == ("school_register", None, "waiting")
    assert "ждёт формы «Реестр школ»" in outcome_sentence(before[0])
    assert exit_code(before) == 4
    assert counted(engine, "SELECT state FROM ops.run") == "completed with findings"
    night = Night(REGION, dt.date(2023, 9, 8), (), tuple(before))
    assert night.sentence.startswith(
        "2 deliveries: 1 accepted, 0 partial, 0 refused, 0 failed, 1 waiting for school_re"
    )
    assert waiting_words(night) == ", ждут формы «Реестр школ» 1"
    (line,) = [line for line in deliveries_section(before, settings.outbox) if "ждёт" in line]
    assert "ждёт формы «Реестр школ»" in line and "сбой" not in line
    assert before[0].document(with_ids=True)["waits_for"] == "school_register"
    _, after = ingest([files["department/Реестр"], files["asinovsky"]], Options(), settings)
    assert after.verdict == "accepted" and not after.is_repeat and after.waits_for is None


def test_a_register_named_with_the_files_is_taken_in_first(settings: Settings, region_files: Path) -> None:
    files = picked(region_files, "department/Реестр", "asinovsky")
    (outcome,) = ingest([files["asinovsky"]], Options(register=files["department/Реестр"]), settings)
    assert outcome.verdict == "accepted"
    with pytest.raises(UsageError, match="not a register"):
        ingest([files["department/Реестр"]], Options(register=files["asinovsky"]), settings)


def test_marts_of_a_run_that_was_cut_off_are_published_by_the_next(
    settings: Settings, engine: sa.Engine, region_inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import flows.intake.publishing

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(flows.intake.publishing, "publish", killed)
    with pytest.raises(KeyboardInterrupt):
        ingest([region_inbox], Options(), settings)
    assert counted(engine, "SELECT string_agg(state, ',') FROM ops.run") == "failed"
    monkeypatch.undo()
    ingest([region_inbox], Options(), settings)
    with engine.connect() as connection:
        assert mart(connection, "readiness_region", AS_OF)["accepted"].to_list() == [244]


def test_equal_bytes_under_two_names_are_two_deliveries_of_the_same_facts(
    settings: Settings, engine: sa.Engine, region_files: Path
) -> None:
    files = picked(region_files, "department/Реестр", "asinovsky")
    copied = settings.inbox / "asinovsky" / "копия.xlsx"
    copied.parent.mkdir()
    shutil.copy2(files["asinovsky"], copied)
    outcomes = ingest([files["department/Реестр"], files["asinovsky"], copied], Options(), settings)
    assert [each.is_repeat for each in outcomes] == [False, False, True]
    assert [each.file for each in outcomes][1:] == [files["asinovsky"].name, "копия.xlsx"]
    assert outcomes[1].reading_id == outcomes[2].reading_id
    assert counted(engine, "SELECT count(*) FROM ops.delivery") == 3
    assert counted(engine, "SELECT count(*) FROM ops.reading") == 2


def test_what_the_caller_says_makes_another_reading(settings: Settings, engine: sa.Engine, region_files: Path) -> None:
    files = picked(region_files, "department/Реестр", "asinovsky")
    ingest(list(files.values()), Options(), settings)
    (outcome,) = ingest([files["asinovsky"]], Options(as_of=AS_OF), settings)
    assert outcome.is_repeat
    assert counted(engine, "SELECT count(*) FROM ops.reading") == 2


def test_contract_version_is_of_this_code() -> None:
    assert contract_version() == contract_version() and len(contract_version()) == 16
