"""What is destroyed is destroyed everywhere, attested, and missed by nothing that stays."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import io
import json
import os
import subprocess
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from evidence import copied, picked, taken_in

from documents.writing.act import make_act
from flows.backfills.steps import plan, requested
from flows.home.archived import is_kept
from flows.home.keyring import keyring_of
from flows.home.settings import Settings
from flows.home.usage import UsageError
from flows.intake.incoming import Options
from flows.outbox.written_again import write_receipt
from flows.runs.ingest import ingest
from flows.upkeep import retention as purges
from flows.upkeep.acts import sign
from flows.upkeep.doctor import examine
from flows.upkeep.retention import Purged, destroy_deliveries, purge
from warehouse.backfill.requests import Refused
from warehouse.core.slices import Timeout, holding
from warehouse.schema.upgrade import connect
from warehouse.watch.destruction import ARCHIVE, to_remove

Run = Callable[..., "subprocess.CompletedProcess[str]"]
EXPORT = "regional_operator/Сводный"
NIGHT = dt.date(2023, 9, 8)
AFTER = dt.datetime(2024, 10, 1, 2, tzinfo=dt.UTC)
"""A month after the academic year of the region's export."""
MESSAGE = """
INSERT INTO ops.message (dedup_key, recipient, channel, message_class, kind, subject, body, text_hash, created_at,
    not_before, outcome, sent_at)
VALUES (:key, 'a', 'file', 'data', 'incident', 'тема', 'текст', 'хеш', :at, :at, :outcome,
    CASE WHEN :outcome = 'sent' THEN cast(:at AS timestamptz) END)
"""


def expiring(settings: Settings, days: int | None = 30) -> Settings:
    return settings.model_copy(update={"pupil_days": days})


@pytest.fixture(scope="module")
def lived(databases: Any, region_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """The register, a report and the platform's export were taken in from the inbox."""
    files = picked(region_files, "department/Реестр", "asinovsky", EXPORT).values()
    with taken_in(databases, tmp_path_factory.mktemp("lived") / "home", *files) as made:
        engine = connect(made.database_url.get_secret_value())  # type: ignore[union-attr]
        with engine.connect() as connection:
            verdicts = set(connection.scalars(sa.text("SELECT verdict FROM ops.reading")))
        engine.dispose()
        assert verdicts <= {"accepted", "partial"}
        yield made


@pytest.fixture
def settings(databases: Any, lived: Settings, tmp_path: Path) -> Iterator[Settings]:
    """A copy of that home for one test. Its inbox was looked at: copies are other files than those that were seen."""
    with copied(databases, lived, tmp_path / "home") as made:
        assert all(each.is_repeat for each in ingest([], Options(), made))
        yield made


@pytest.fixture
def export(settings: Settings, region_files: Path) -> Path:
    """The platform's export where it lies in the inbox."""
    return settings.inbox / "regional_operator" / picked(region_files, EXPORT)[EXPORT].name


def marts(engine: sa.Engine) -> dict[str, str]:
    """Every published row of every mart, and every fact, as text."""
    told = {}
    with engine.connect() as connection:
        tables = connection.scalars(
            sa.text(
                "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname IN ('history', 'core')"
            )
        ).all()
        for table in tables:
            rows = connection.scalars(sa.text(f"SELECT t::text FROM {table} t ORDER BY 1")).all()
            told[table] = "\n".join(rows)
    assert len(told) > 10
    return told


def one(engine: sa.Engine, statement: str) -> object:
    with engine.connect() as connection:
        return connection.scalar(sa.text(statement))


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def kept(settings: Settings, digest: str) -> bool:
    return is_kept(settings.archive / digest[:2] / digest)


def broken(settings: Settings) -> dict[str, tuple[tuple[str, str], ...]]:
    return {law.name: law.broken for law in examine(settings) if law.times}


def test_what_was_explained_of_an_export_goes_with_it(settings: Settings, export: Path) -> None:
    (receipt,) = (settings.outbox / "regional_operator").glob(f"*.{sha256(export)[:7]}.квитанция.xlsx")
    book = openpyxl.load_workbook(receipt)
    book["Квитанция"]["F3"], book["Квитанция"]["G3"] = "profmin-error REX-001", "Секретов Тайник болел"
    answer = export.with_name("ответ.xlsx")
    book.save(answer)
    (back,) = ingest([answer], Options(), settings)
    assert back.delivery_id is not None and back.reading_id is None and kept(settings, sha256(answer))
    engine = connect(settings.database_url.get_secret_value())  # type: ignore[union-attr]
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO ops.explanation (region, form, sender, span, rule, finding_key, explanation,"
                " delivery_id, reading_id, said_at)"
                " SELECT region, form, sender, '2023', 'REX-006', repeat('a', 32), 'Секретов болел',"
                " :delivery, reading_id, now() FROM ops.reading WHERE form = 'registration_export'"
            ),
            {"delivery": back.delivery_id},
        )
    digest = sha256(answer)
    purge(expiring(settings), AFTER)
    assert one(engine, "SELECT explanation FROM ops.explanation") == "удалено"
    assert not kept(settings, digest) and not answer.exists()
    assert [law for law in examine(settings) if law.times] == []
    engine.dispose()


def test_pupils_go_and_figures_stay(engine: sa.Engine, settings: Settings, export: Path) -> None:
    digest, before = sha256(export), marts(engine)
    rows = one(engine, "SELECT count(*) FROM restricted.pupil_version")
    size = export.stat().st_size
    wanted = Purged(0, 0, 1, rows, size)  # type: ignore[arg-type]
    assert rows
    assert purge(expiring(settings), AFTER, dry_run=True) == wanted
    assert (kept(settings, digest), export.exists(), marts(engine)) == (True, True, before)

    found = purge(expiring(settings), AFTER)
    assert replace(found, acts=()) == wanted
    assert (kept(settings, digest), export.exists()) == (False, False)
    assert one(engine, "SELECT count(*) FROM restricted.pupil_version") == 0
    assert marts(engine) == before
    assert (settings.inbox / "asinovsky").iterdir(), "what holds no pupils stays"
    assert one(engine, "SELECT count(*) FROM ops.purged WHERE gone_at IS NOT NULL AND act IS NOT NULL") == 1
    assert broken(settings) == {}
    assert purge(expiring(settings), AFTER) == Purged(0, 0, 0, 0, 0), "the second time there is nothing to do"

    first = one(engine, "SELECT min(delivery_id) FROM ops.purged")
    receipt = write_receipt(settings, str(first), None)
    assert "Квитанция" in openpyxl.load_workbook(receipt).sheetnames
    assert ingest([], Options(), settings) == [], "no later run looks for the bytes"


def test_the_act_names_files_and_nobody(engine: sa.Engine, settings: Settings, export: Path) -> None:
    pupils = openpyxl.load_workbook(export, read_only=True).worksheets[0]
    names = {
        str(cell) for row in pupils.iter_rows(values_only=True) for cell in row if cell and str(cell).count(" ") == 2
    }
    digest = sha256(export)
    (name,) = purge(expiring(settings), AFTER).acts
    book = openpyxl.load_workbook(settings.acts / name)
    assert book.sheetnames == ["Акт", "Выгрузка из журнала"]
    told = {sheet.title: [str(cell) for row in sheet.values for cell in row if cell is not None] for sheet in book}
    whole = "\n".join(told["Акт"] + told["Выгрузка из журнала"])
    assert digest in told["Выгрузка из журнала"]
    for part in ("Акт об уничтожении персональных данных от 01.10.2024", "прошло больше 30 дней", "Категории",
                 "Способ уничтожения", "01.10.2024 09:00"):  # fmt: skip
        assert part in whole
    assert names
    assert not [each for each in names if each in whole and each not in ("Билет в будущее",)]


def test_both_papers_say_what_the_order_demands(engine: sa.Engine, settings: Settings, export: Path) -> None:
    """Sections 3 and 5 of order 179; docs/privacy.md names their source."""
    with engine.connect() as connection:
        keys = sorted(
            {bytes(key) for key in connection.scalars(sa.text("SELECT pupil_key FROM restricted.pupil_version"))}
        )
    named = expiring(settings).model_copy(update={"operator": "Департамент, г. Томск"})
    (name,) = purge(named, AFTER).acts
    book = openpyxl.load_workbook(settings.acts / name)
    act = {row[0]: row[1] for row in book["Акт"].iter_rows(min_row=3, values_only=True)}
    assert act["Оператор (наименование, адрес)"] == "Департамент, г. Томск"
    for field in ("Лицо, обрабатывающее данные по поручению (наименование, адрес)", "Чьи данные уничтожены",
                  "Категории уничтоженных данных", "Материальный носитель, листов", "Информационная система",
                  "Способ уничтожения", "Причина уничтожения", "Дата уничтожения",
                  "Уничтожил (ф. и. о., должность, подпись)"):  # fmt: skip
        assert act[field], field
    (destroyed,) = keyring_of(settings).destroyed()
    assert destroyed.key_id in str(act["Способ уничтожения"]) and "прочитать нельзя" in str(act["Способ уничтожения"])
    extract = book["Выгрузка из журнала"]
    heading, row = extract.iter_rows(min_row=7, max_row=8, values_only=True)
    told = dict(zip(heading, row, strict=True))
    assert told["Людей (псевдонимов)"] == len(keys)
    assert told["Отпечаток множества псевдонимов (SHA-256)"] == hashlib.sha256(b"".join(keys)).hexdigest()
    head = "\n".join(str(extract.cell(line, 1).value) for line in range(1, 6))
    for part in ("Информационная система profmin", "Категории данных: фамилия", "Причина: Цель", destroyed.key_id):
        assert part in head, part
    assert told["Уничтожен"]


def test_papers_are_signed_found_and_missed(settings: Settings, export: Path, profmin: Run, tmp_path: Path) -> None:
    key = tmp_path / "operator.pem"
    made = Ed25519PrivateKey.generate()
    key.write_bytes(made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (name,) = purge(expiring(settings).model_copy(update={"signing_key": key}), AFTER).acts
    paper = settings.acts / name
    made.public_key().verify(base64.b64decode((settings.acts / f"{name}.sig").read_bytes()), paper.read_bytes())
    signed = profmin("acts", settings=settings, PROFMIN_SIGNING_KEY=str(key))
    assert (signed.returncode, "подпись верна" in signed.stdout, "01.10.2027" in signed.stdout) == (0, True, True)
    assert "подписан, ключа нет" in profmin("acts", settings=settings).stdout
    paper.write_bytes(paper.read_bytes() + b"x")
    changed = profmin("acts", settings=settings, PROFMIN_SIGNING_KEY=str(key))
    assert (changed.returncode, "ИЗМЕНЁН" in changed.stdout) == (1, True)
    paper.unlink()
    gone = profmin("acts", "--json", settings=settings)
    assert (gone.returncode, json.loads(gone.stdout)[0]["state"]) == (1, "gone")
    key.write_text("no key")
    with pytest.raises(UsageError, match="is no Ed25519 key"):
        sign(settings.model_copy(update={"signing_key": key}), key)


def test_nothing_is_destroyed_before_its_time_or_without_being_asked(settings: Settings, export: Path) -> None:
    nothing = Purged(0, 0, 0, 0, 0)
    assert purge(settings, AFTER) == nothing
    assert purge(expiring(settings), dt.datetime(2024, 9, 30, 12, tzinfo=dt.UTC)) == nothing
    assert purge(expiring(settings), dt.datetime(2024, 9, 30, 18, tzinfo=dt.UTC)).deliveries == 1, "1 October in Tomsk"


def test_a_backfill_over_what_was_destroyed_is_refused_in_words(
    engine: sa.Engine, settings: Settings, export: Path
) -> None:
    purge(expiring(settings), AFTER)
    with pytest.raises(Refused, match=r"the bytes of 1 deliveries are no longer in the archive.*leave their form out"):
        plan(engine, settings, requested([], [], NIGHT, NIGHT, "Проверка после уничтожения"))
    assert plan(engine, settings, requested(["readiness_report"], [], NIGHT, NIGHT, "Проверка после уничтожения"))


def test_bytes_that_come_again_are_told_and_destroyed_again(
    engine: sa.Engine, settings: Settings, export: Path, region_files: Path
) -> None:
    digest, data = sha256(export), export.read_bytes()
    purge(expiring(settings), AFTER)
    export.write_bytes(data)
    (outcome,) = ingest([], Options(), settings)
    assert (outcome.is_repeat, outcome.verdict) == (True, "accepted")
    ((place, wrong),) = broken(settings)["archive_holds_the_bytes"]
    assert digest[:8] in place
    assert "destroyed on 2024-10-01, but there (again)" in wrong
    later = AFTER + dt.timedelta(days=7)
    assert purge(expiring(settings), later).deliveries == 1
    assert (kept(settings, digest), export.exists()) == (False, False)
    assert broken(settings) == {}
    assert one(engine, "SELECT count(DISTINCT act) FROM ops.purged") == 2


def test_what_a_parent_had_destroyed_is_destroyed_again_before_its_time(
    engine: sa.Engine, settings: Settings, export: Path
) -> None:
    """And where no time is set at all: it was destroyed on demand, and would lie open otherwise."""
    digest, data = sha256(export), export.read_bytes()
    of_export = f"SELECT delivery_id FROM ops.delivery WHERE sha256 = '{digest}'"
    now = dt.datetime(2023, 9, 10, 2, tzinfo=dt.UTC)
    destroy_deliveries(engine, settings, [one(engine, of_export)], "Требование", now)  # type: ignore[list-item]
    assert not kept(settings, digest) and purge(settings, now + dt.timedelta(days=1)).deliveries == 0
    export.write_bytes(data)
    ingest([], Options(), settings)
    assert kept(settings, digest) and "archive_holds_the_bytes" in broken(settings)
    assert purge(settings, now + dt.timedelta(days=2), dry_run=True).deliveries == 1
    purged = purge(settings, now + dt.timedelta(days=2))
    assert (purged.deliveries, len(purged.acts), kept(settings, digest), export.exists()) == (1, 1, False, False)
    assert broken(settings) == {} and purge(settings, now + dt.timedelta(days=3)).deliveries == 0
    reason = "SELECT reason FROM ops.purged ORDER BY purged_at DESC LIMIT 1"
    assert one(engine, reason) == "Уничтожено раньше; те же байты присланы снова"


def test_an_archive_of_files_goes_with_the_export_in_it(databases: Any, region_files: Path, tmp_path: Path) -> None:
    files = picked(region_files, "department/Реестр", "asinovsky", EXPORT)
    packed = tmp_path / "department" / "всё.zip"
    packed.parent.mkdir()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in files.values():
            archive.write(path, path.name)
    with taken_in(databases, tmp_path / "home", packed) as settings:
        digests = {name: sha256(path) for name, path in files.items()} | {"zip": sha256(packed)}
        assert all(kept(settings, digest) for digest in digests.values())
        assert purge(expiring(settings), AFTER).deliveries == 2
        left = {name for name, digest in digests.items() if kept(settings, digest)}
        assert left == {"department/Реестр", "asinovsky"}
        assert not (settings.inbox / "department" / packed.name).exists()
        assert broken(settings) == {}


def test_an_export_that_nobody_recognised_goes_too(engine: sa.Engine, settings: Settings, export: Path) -> None:
    stray = settings.inbox / "regional_operator" / "без шапки.csv"
    stray.write_text("Секретов Тайник Скрытович;8\n" * 5)
    os.utime(stray, (1_694_160_000, 1_694_160_000))
    (outcome,) = ingest([], Options(), settings)
    assert (outcome.form, outcome.verdict) == (None, "refused")
    assert purge(expiring(settings), AFTER).deliveries == 2
    assert not stray.exists()
    assert broken(settings) == {}


@pytest.mark.parametrize("step", ["_copies", "note_gone", "make_act", "note_act"])
def test_a_purge_that_dies_is_finished_by_the_next(
    engine: sa.Engine, settings: Settings, export: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    digest = sha256(export)

    def die(*_: object, **__: object) -> object:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(purges, step, die)
        with pytest.raises(KeyboardInterrupt):
            purge(expiring(settings), AFTER)
    assert one(engine, "SELECT state FROM ops.run WHERE kind = 'purge'") == "failed"
    assert one(engine, "SELECT count(*) FROM ops.purged") == 1, "what is destroyed was recorded before"
    assert "purged_is_gone" in broken(settings)
    later = AFTER + dt.timedelta(hours=1)
    found = purge(settings, later)  # even if nobody asks for more any longer
    assert (found.deliveries, len(found.acts)) == (0, 1)
    assert (kept(settings, digest), export.exists()) == (False, False)
    with engine.connect() as connection:
        assert to_remove(connection) == []
    assert broken(settings) == {}
    assert [path.name for path in settings.acts.iterdir()] == list(found.acts)


def test_a_purge_that_cannot_record_destroys_nothing(
    engine: sa.Engine, settings: Settings, export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = one(engine, "SELECT count(*) FROM restricted.pupil_version")
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE ops.purged ADD CONSTRAINT never CHECK (false) NOT VALID"))
    with pytest.raises(sa.exc.IntegrityError):
        purge(expiring(settings), AFTER)
    assert export.exists()
    assert kept(settings, sha256(export))
    assert one(engine, "SELECT count(*) FROM restricted.pupil_version") == before


def test_a_purge_waits_for_a_backup(engine: sa.Engine, settings: Settings, export: Path) -> None:
    hurried = expiring(settings).model_copy(update={"lock_seconds": 0.3})
    with holding(engine, [ARCHIVE]), pytest.raises(Timeout, match="the archive"):
        purge(hurried, AFTER)
    assert export.exists()
    done: list[Purged] = []
    with holding(engine, [ARCHIVE]):
        waiter = threading.Thread(target=lambda: done.append(purge(expiring(settings), AFTER)))
        waiter.start()
        waiter.join(0.5)
        assert done == []
    waiter.join(300)
    assert done[0].deliveries == 1


def test_old_texts_and_receipts_go_and_their_traces_stay(engine: sa.Engine, settings: Settings, export: Path) -> None:
    now = dt.datetime.now(dt.UTC)
    since = now - dt.timedelta(days=settings.keep_days)
    with engine.begin() as connection:
        for key, outcome, at in (("old", "sent", since - dt.timedelta(hours=1)), ("new", "sent", since),
                                 ("waits", "waiting", since - dt.timedelta(days=1))):  # fmt: skip
            connection.execute(
                sa.text(MESSAGE),
                {"key": key, "outcome": outcome, "at": at},
            )
    receipts = [path for path in settings.outbox.rglob("*") if path.is_file()]
    old = receipts[0]
    os.utime(old, (since.timestamp() - 60,) * 2)
    assert purge(settings, now, dry_run=True) == Purged(1, 1, 0, 0, 0)
    assert purge(settings, now) == Purged(1, 1, 0, 0, 0)
    assert [path for path in settings.outbox.rglob("*") if path.is_file()] == receipts[1:]
    with engine.connect() as connection:
        told = (
            connection.execute(sa.text("SELECT dedup_key, body, text_hash FROM ops.message ORDER BY 1")).tuples().all()
        )
    assert [tuple(row) for row in told] == [("new", "текст", "хеш"), ("old", "", "хеш"), ("waits", "текст", "хеш")]


def test_the_command_tells_what_it_did(settings: Settings, export: Path, profmin: Run) -> None:
    dry = profmin("purge", "--dry-run", settings=settings, PROFMIN_PUPIL_DAYS="30")
    assert (dry.returncode, dry.stdout[:13]) == (0, "would remove:")
    assert export.exists()
    done = profmin("purge", "--json", settings=settings, PROFMIN_PUPIL_DAYS="30")
    document = json.loads(done.stdout)
    assert (done.returncode, document["deliveries"], document["dry_run"], len(document["acts"])) == (0, 1, False, 1)
    assert not export.exists()
    again = profmin("purge", settings=settings)
    assert again.returncode == 0
    assert "PROFMIN_PUPIL_DAYS is not set" in again.stdout
    assert profmin("purge", settings=settings, PROFMIN_PUPIL_DAYS="-1").returncode == 2


def test_the_same_items_give_the_same_act() -> None:
    now = dt.datetime(2024, 10, 1, 9, tzinfo=dt.UTC)
    items = [purges.Item(1, "Выгрузка", None, None, now, 5, 4, "1" * 64, 10, "0" * 64, now)]
    assert make_act(items, "причина", now, 1) == make_act(items, "причина", now, 1)
    assert openpyxl.load_workbook(io.BytesIO(make_act(items, "причина", now, None))).sheetnames[0] == "Акт"
