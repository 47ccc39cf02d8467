"""The two papers about destroyed personal data that order 179 of Roskomnadzor (28.10.2022) asks for: an act, and an
extract from the log of events. What each of them has to say, and where that is told: docs/privacy.md."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Sequence
from dataclasses import dataclass

import xlsxwriter

CATEGORIES = (
    "фамилия, имя, отчество; дата рождения; школа, класс; сведения о занятиях на платформе «Билет в будущее»; "
    "адрес электронной почты, педагог-навигатор (если были в выгрузке); о работниках школ: роль, должность, приказ, "
    "обучение"
)
SYSTEM = "Информационная система profmin: архив полученных файлов, папка входящих, строки о людях в базе данных"
WAY = (
    "Файлы удалены из архива и из папки входящих средствами операционной системы; строки обучающихся (под псевдонимом) "
    "удалены из базы данных вместе с таблицами, где они хранились; псевдонимы работников заменены случайными номерами. "
    "Восстановление средствами системы невозможно."
)
WITH_KEYS = (
    " Ключи учебных годов, которыми файлы и псевдонимы обучающихся были зашифрованы, уничтожены (перезаписаны и "
    "удалены): зашифрованное ими в резервных копиях, снятых раньше, прочитать нельзя. Ключи: {}. Копии, снятые до "
    "введения шифрования, и псевдонимы работников в прежних копиях уничтожаются вместе с этими копиями. "
    "Копия папки ключей, если она хранится отдельно, "
    "уничтожается вручную: ____________________ (дата, подпись)."
)
WITHOUT_KEYS = " Резервные копии, снятые раньше, уничтожаются отдельно, в срок их хранения."
TO_FILL_IN = "______________________________"
HEADINGS = (
    ("Доставка", 9), ("Форма", 26), ("Отправитель", 22), ("За дату", 11), ("Получен", 16), ("Строк о людях", 9),
    ("Людей (псевдонимов)", 13), ("Отпечаток множества псевдонимов (SHA-256)", 34), ("Размер, байт", 12),
    ("Контрольная сумма файла (SHA-256)", 34), ("Уничтожен", 16),
)  # fmt: skip


@dataclass(frozen=True)
class Item:
    """A file that was destroyed, with times in the zone of the act."""

    delivery_id: int
    form: str | None
    sender: str | None
    as_of: dt.date | None
    received_at: dt.datetime
    pupil_rows: int
    people: int | None
    people_digest: str | None
    byte_size: int
    sha256: str
    gone_at: dt.datetime


@dataclass(frozen=True)
class KeyItem:
    """A key of an academic year that was destroyed."""

    year: int
    key_id: str
    at: dt.datetime


def make_act(
    items: Sequence[Item],
    reason: str,
    decided_at: dt.datetime,
    run_id: int | None,
    keys: Sequence[KeyItem] = (),
    operator: str | None = None,
) -> bytes:
    """A workbook of two sheets: the act, to be printed and signed, and the extract from the log, a row a file.

    Nobody is named: files are told apart by their checksums, people by the set of pseudonyms of a file. The same items
    give the same bytes.
    """
    data = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(data, options) as book:
        book.set_properties(
            {"title": "Акт об уничтожении персональных данных", "created": decided_at.replace(tzinfo=None)}
        )
        _write_act(book, items, reason, decided_at, keys, operator)
        _write_extract(book, items, reason, run_id, keys)
    return data.getvalue()


def _write_act(
    book: xlsxwriter.Workbook,
    items: Sequence[Item],
    reason: str,
    decided_at: dt.datetime,
    keys: Sequence[KeyItem],
    operator: str | None,
) -> None:
    sheet = book.add_worksheet("Акт")
    title = book.add_format({"bold": True, "font_size": 14, "align": "center"})
    label = book.add_format({"text_wrap": True, "valign": "top", "border": 1, "bold": True})
    value = book.add_format({"text_wrap": True, "valign": "top", "border": 1})
    sheet.set_column(0, 0, 40)
    sheet.set_column(1, 1, 70)
    sheet.merge_range(0, 0, 0, 1, f"Акт об уничтожении персональных данных от {decided_at:%d.%m.%Y}", title)
    rows = sum(item.pupil_rows for item in items)
    gone = max(item.gone_at for item in items)
    whose = (
        "Обучающиеся из выгрузок платформы «Билет в будущее» и работники школ из списков: "
        f"файлов {len(items)}, строк о людях {rows}. Иная информация о них: множество псевдонимов каждого файла, "
        "число и отпечаток которого стоят на листе «Выгрузка из журнала» в строке файла."
    )
    way = WAY + (WITH_KEYS.format(_told(keys)) if keys else WITHOUT_KEYS)
    lines = (
        ("Оператор (наименование, адрес)", operator or TO_FILL_IN),
        ("Лицо, обрабатывающее данные по поручению (наименование, адрес)", TO_FILL_IN),
        ("Чьи данные уничтожены", whose),
        ("Категории уничтоженных данных", CATEGORIES),
        ("Материальный носитель, листов", "не уничтожался: данные обрабатывались автоматизированно"),
        ("Информационная система", SYSTEM),
        ("Способ уничтожения", way),
        ("Причина уничтожения", reason),
        ("Дата уничтожения", f"{gone:%d.%m.%Y %H:%M}"),
        ("Уничтожил (ф. и. о., должность, подпись)", TO_FILL_IN),
        ("Уничтожил (ф. и. о., должность, подпись)", TO_FILL_IN),
    )  # fmt: skip
    for row, (name, statement) in enumerate(lines, start=2):
        sheet.write(row, 0, name, label)
        sheet.write(row, 1, statement, value)
        sheet.set_row(row, 15 * max(1, -(-len(statement) // 70), -(-len(name) // 38)))
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 1)


def _told(keys: Sequence[KeyItem]) -> str:
    return "; ".join(f"{key.year}/{key.year + 1}, отпечаток {key.key_id}, {key.at:%d.%m.%Y %H:%M}" for key in keys)


def _write_extract(
    book: xlsxwriter.Workbook, items: Sequence[Item], reason: str, run_id: int | None, keys: Sequence[KeyItem]
) -> None:
    sheet = book.add_worksheet("Выгрузка из журнала")
    heading = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
    day = book.add_format({"num_format": "dd.mm.yyyy", "valign": "top"})
    moment = book.add_format({"num_format": "dd.mm.yyyy hh:mm", "valign": "top"})
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    run = "" if run_id is None else f", запуск {run_id}"
    sheet.write(
        0, 0, f"Выгрузка из журнала регистрации событий (таблица ops.purged{run})", book.add_format({"bold": True})
    )
    head = (SYSTEM, f"Категории данных: {CATEGORIES}", f"Причина: {reason}",
            f"Ключи, уничтоженные вместе с данными: {_told(keys) if keys else 'нет'}")  # fmt: skip
    for row, line in enumerate(head, start=1):
        sheet.write(row, 0, line)
    sheet.set_row(6, 30)
    for column, (name, width) in enumerate(HEADINGS):
        sheet.write(6, column, name, heading)
        sheet.set_column(column, column, width)
    for row, item in enumerate(items, start=7):
        sheet.set_row(row, 30)
        sheet.write(row, 0, item.delivery_id, wrapped)
        sheet.write(row, 1, item.form or "не опознана или архив файлов", wrapped)
        sheet.write(row, 2, item.sender or "", wrapped)
        if item.as_of is not None:
            sheet.write_datetime(row, 3, item.as_of, day)
        sheet.write_datetime(row, 4, item.received_at.replace(tzinfo=None), moment)
        sheet.write(row, 5, item.pupil_rows, wrapped)
        if item.people is not None:
            sheet.write(row, 6, item.people, wrapped)
            sheet.write(row, 7, item.people_digest, wrapped)
        sheet.write(row, 8, item.byte_size, wrapped)
        sheet.write(row, 9, item.sha256, wrapped)
        sheet.write_datetime(row, 10, item.gone_at.replace(tzinfo=None), moment)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.freeze_panes(7, 0)
