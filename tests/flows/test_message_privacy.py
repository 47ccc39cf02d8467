"""Planted names are looked for in what really leaves by each channel, with mails decoded and workbooks unpacked."""

from __future__ import annotations

import base64
import datetime as dt
import io
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pytest
import sqlalchemy as sa
from evidence import NAME, TRACES, assert_nowhere, picked, planted
from packs import REGION
from post import Endpoint, endpoint, files_of, mailbox, parsed, text_of, unpacked
from pydantic import SecretStr

from contracts.regions.route import COLUMNS
from flows.home.settings import Settings
from flows.intake.incoming import Options
from flows.messages.after_run import tell_of_incidents
from flows.messages.delivering import deliver
from flows.runs.ingest import ingest
from warehouse.incidents.messages import Attachment, Message, enqueue

NOW = dt.datetime(2023, 9, 8, 9, 0, tzinfo=ZoneInfo("Asia/Tomsk"))
TOKEN = "987654:AAbbCCddEEffGGhhIIjjKKllMMnnOOppQQr"
OWN = "asino@example.org"


def with_a_name(original: Path, path: Path) -> Path:
    """A report in which a name stands where a number belongs, in a school's row."""
    book = openpyxl.load_workbook(original)
    sheet = book.worksheets[0]
    (place, *_) = [
        cell for row in sheet.iter_rows(min_row=6) for cell in row if isinstance(cell.value, int) and cell.column > 3
    ]
    place.value = NAME
    path.parent.mkdir(parents=True)
    book.save(path)
    return path


def told(mail: bytes) -> str:
    """Everything in a mail: raw, headers decoded, text, names and contents of the files."""
    found = parsed(mail)
    files = [f"{name}\n{unpacked(data)}" for name, data in files_of(found).items()]
    return "\n".join([mail.decode("utf-8", "replace"), *map(str, found.items()), text_of(found), *files])


def posted(web: Endpoint) -> Iterator[str]:
    """Everything in the requests: documents with their files, forms with theirs."""
    for path, headers, body in web.requests:
        yield f"{path} {headers} {body.decode('utf-8', 'replace')}"
        if headers["Content-Type"].startswith("application/json"):
            document = json.loads(body)
            yield str(document)
            yield from (unpacked(base64.b64decode(each["base64"])) for each in document.get("attachments", ()))
        else:
            form = parsed(f"Content-Type: {headers['Content-Type']}\r\n\r\n".encode() + body)
            yield from (unpacked(part.get_payload(decode=True)) for part in form.iter_parts())  # type: ignore[arg-type]


@pytest.mark.parametrize("damage", ["cell", "heading"])
def test_a_planted_name_leaves_only_in_the_senders_own_workbook(
    damage: str,
    engine: sa.Engine,
    settings: Settings,
    region_files: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BOT", TOKEN)
    files = picked(region_files, "department/Реестр", "regional_operator/Сводный", "asinovsky")
    export = planted(
        files["regional_operator/Сводный"], tmp_path / "regional_operator" / "Выгрузка 2023-09-08.xlsx", damage
    )
    report = with_a_name(files["asinovsky"], tmp_path / "asinovsky" / f"Отчёт {NAME} 08.09.2023.xlsx")
    for path in (files["department/Реестр"], export, report):
        (settings.inbox / path.parent.name).mkdir()
        shutil.copy2(path, settings.inbox / path.parent.name)
    outcomes = {each.sender: each for each in ingest([settings.inbox], Options(), settings)}
    assert {each.verdict for sender, each in outcomes.items() if sender != "department"} <= {"partial", "refused"}
    with mailbox() as box, endpoint() as web:
        lines = [
            f"Асино,sender,asinovsky,data,1,email,{OWN},,,,",
            "Оператор,sender,regional_operator,data,1,email,operator@example.org,,,,",
            "Оператор,sender,regional_operator,data,1,telegram," + web.url + "/${BOT}/-100500,,,,",
            "Специалист,officer,,data,1,email,officer@example.org,digest 09:00,,,",
            "Специалист,officer,,data,1,telegram," + web.url + "/${BOT}/-100700,,,,",
            f"Сбор,officer,,data,1,webhook,{web.url}/hook,,,,",
            "Папка,officer,,data,1,file,officer,,,,",
            f"Дежурный,engineer,,,1,webhook,{web.url}/duty,,,,",
        ]
        (settings.home / "routing.csv").write_text("\n".join([",".join(COLUMNS), *lines]) + "\n", encoding="utf-8")
        settings.smtp_url = SecretStr(box.url)
        done = tell_of_incidents(engine, settings, REGION, NOW)
        assert done.failed == done.waiting == 0 and done.sent >= 9
        own = [mail for mail, to in zip(box.taken, box.to, strict=True) if to == OWN]
        others = [mail for mail, to in zip(box.taken, box.to, strict=True) if to != OWN]
        assert len(own) == 1 and len(others) == 2
        for mail in others:
            assert_nowhere(told(mail), "a mail")
        requests = "\n".join(posted(web))
        assert {path.split("/")[1] for path, _, _ in web.requests} >= {"hook", f"bot{TOKEN}"}
        assert "Квитанция о приёме документа" in requests, "receipts are among what was looked at"
        assert_nowhere(requests, "a request")
    written = [path for path in (settings.home / "messages").rglob("*") if path.is_file()]
    assert written
    for path in written:
        assert_nowhere(told(path.read_bytes()), "a file")
    (mail,) = map(parsed, own)
    assert_nowhere(f"{mail['Subject']} {text_of(mail).partition('Приложено')[0]}", "the text to the sender itself")
    assert any(trace in unpacked(data) for data in files_of(mail).values() for trace in TRACES)
    with engine.connect() as connection:
        rows = connection.scalars(sa.text("SELECT m::text FROM ops.message m")).all()
    assert_nowhere("\n".join(rows), "ops.message")
    if settings.log_file.exists():
        assert_nowhere(settings.log_file.read_text(), "the log")


def test_a_template_and_a_receipt_are_workbooks_that_open(
    engine: sa.Engine, settings: Settings, region_files: Path
) -> None:
    """What is attached is what was promised: the receipt as in the outbox, the template with the sender's schools."""
    files = picked(region_files, "department/Реестр", "tomsky_district")
    ingest(list(files.values()), Options(), settings)
    about = {"audience": "sender"}
    with engine.begin() as connection:
        delivery = connection.scalar(
            sa.text("SELECT delivery_id FROM ops.reading WHERE sender = 'tomsky_district' LIMIT 1")
        )
        enclosed = (
            Attachment("receipt", delivery_id=delivery),
            Attachment("template", form="readiness_report", sender="tomsky_district"),
        )
        for sender in ("tomsky_district", "asinovsky"):
            made = Message(f"m-{sender}", "Папка", "file", "data", "statement", "Тема", "Текст\n", NOW)
            enqueue(connection, [replace(made, sender=sender, attachments=enclosed, about=about)], NOW)
    (settings.home / "routing.csv").write_text(
        f"{','.join(COLUMNS)}\nПапка,sender,,,1,file,out,,,,\n", encoding="utf-8"
    )
    (receipt,) = (settings.outbox / "tomsky_district").glob("*")
    kept = receipt.read_bytes()
    receipt.unlink()
    assert deliver(engine, settings, NOW).sent == 2
    mails = [parsed(path.read_bytes()) for path in sorted((settings.home / "messages" / "out").iterdir())]
    both, one = sorted(map(files_of, mails), key=len, reverse=True)
    assert both[receipt.name] == kept == receipt.read_bytes(), "a receipt that is gone is made again"
    assert list(one) == [name for name in both if name != receipt.name], "another sender's receipt is nobody's business"
    (template,) = one.values()
    cells = [str(cell) for row in openpyxl.load_workbook(io.BytesIO(template)).worksheets[0].values for cell in row]
    assert sum("СОШ" in cell for cell in cells) > 10
