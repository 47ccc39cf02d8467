"""A photo or a PDF in a sender's own folder: the answer, the letter and the incident are that sender's."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pytest
import sqlalchemy as sa
from packs import REGION
from post import files_of, mailbox, text_of
from pydantic import SecretStr

from contracts.regions.route import COLUMNS
from flows.home.settings import Settings
from flows.intake.incoming import Options
from flows.messages.after_run import tell_of_incidents
from flows.runs.ingest import ingest

Run = Callable[..., "subprocess.CompletedProcess[str]"]
JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffdb0043") + bytes(2000) + bytes.fromhex("ffd9")
PDF = b"%PDF-1.4\n1 0 obj <</Type /Catalog>> endobj\ntrailer <</Root 1 0 R>>\n%%EOF\n"
ROUTES = (
    "Асино,sender,asinovsky,data,1,email,asino@example.org,,,,",
    "Специалист,officer,,data,1,email,o@example.org,,,,",
)
INCIDENTS = "SELECT sender, form, details ->> 'ending' FROM ops.incident WHERE condition = 'failed_validation'"


@pytest.mark.parametrize(("name", "data"), [("Отчёт Иванов.jpg", JPEG), ("Отчёт Иванов.pdf", PDF)], ids=("jpg", "pdf"))
def test_the_sender_of_the_folder_is_answered(
    settings: Settings, engine: sa.Engine, region_files: Path, name: str, data: bytes
) -> None:
    (register,) = (region_files / "department").glob("Реестр*")
    ingest([register], Options(), settings)
    path = settings.inbox / "asinovsky" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    (told,) = ingest([path], Options(), settings)
    assert (told.verdict, told.form, told.sender) == ("refused", None, "asinovsky")
    (receipt,) = (settings.outbox / "asinovsky").glob("Отчёт Иванов*")
    page = openpyxl.load_workbook(receipt).worksheets[0]
    said = " ".join(str(cell) for row in page.iter_rows(values_only=True) for cell in row if cell)
    assert "Асиновский муниципальный район" in said
    assert name in said
    with mailbox() as post:
        lines = [",".join(COLUMNS), *ROUTES]
        (settings.home / "routing.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        written = settings.model_copy(update={"smtp_url": SecretStr(post.url)})
        tell_of_incidents(engine, written, REGION, dt.datetime.now(ZoneInfo("Asia/Tomsk")))
        mails = {mail["To"]: mail for mail in post.mails}
    assert set(mails) == {"asino@example.org", "o@example.org"}
    own, officers = mails["asino@example.org"], mails["o@example.org"]
    assert receipt.name in files_of(own)
    assert f"Файл ({name[-3:]}), сумма которого начинается с {told.sha256[:7]}." in text_of(own)
    assert "Асиновский муниципальный район" in text_of(officers)
    assert "Иванов" not in text_of(officers) + "".join(files_of(officers))
    with engine.connect() as connection:
        found = connection.execute(sa.text(INCIDENTS)).tuples()
    assert found.all() == [("asinovsky", None, name[-3:])]


def test_what_is_taken_in_by_hand_opens_incidents_and_sends_nothing(
    profmin: Run, settings: Settings, region_files: Path
) -> None:
    (register,) = (region_files / "department").glob("Реестр*")
    path = settings.inbox / "asinovsky" / "отчёт.jpg"
    path.parent.mkdir(parents=True)
    path.write_bytes(JPEG)
    assert profmin("ingest", register, path, settings=settings).returncode == 4
    (found,) = [
        each
        for each in json.loads(profmin("incidents", "--json", settings=settings).stdout)
        if each["condition"] == "failed_validation"
    ]
    assert (found["sender"], found["form"]) == ("asinovsky", None)
    messages = json.loads(profmin("messages", "--json", settings=settings).stdout)
    assert messages and {each["outcome"] for each in messages} == {"waiting"}
