"""Names and birth dates of pupils go nowhere, also when they stand where nobody expects them."""

from __future__ import annotations

import datetime as dt
import itertools
import logging

import polars as pl
import pytest
from example import PUPIL, SCHOOLS, Sent

from contracts.forms import form_named
from contracts.grid import Blocks, Grid, Sheet, Value
from contracts.reading import Reading
from transforms.disclosure import harmless, may_be_a_name, shown
from transforms.identify import Context, Delivery, identify
from transforms.interpret import interpret

EXPORT = form_named("registration_export")
COLUMNS = {column.name: column for column in EXPORT.editions[-1].columns}
NAMES = ("Планткин", "Прячев", "Скрытова")
PLANTED = (
    "Планткин Иван Образцович", "ПЛАНТКИН ИВАН", "планткин иван образцович", "Прячев П. О.", "Скрытова-Прячева Анна",
    "14.05.2009", "2009-05-14", "14 мая 2009", "39947", "14.05.2009 г.р.", "Планткин",
)  # fmt: skip
SECRETS = (*NAMES, *map(str.lower, NAMES), *map(str.upper, NAMES), "14.05.2009", "2009-05-14", "14 мая 2009", "39947")


def everything_said(reading: Reading) -> str:
    """All that a reading tells anybody."""
    frames = (reading.findings, reading.raw_rows, reading.facts, reading.control_totals, reading.school_outcomes)
    told = [repr(reading), *(str(frame.to_dicts()) for frame in frames), str(reading.layout)]
    return "\n".join(told)


def assert_silent(text: str) -> None:
    assert [secret for secret in SECRETS if secret in text] == []


@pytest.mark.parametrize("column", [c.name for c in EXPORT.editions[0].columns])
def test_a_planted_cell_is_not_told(column: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    rows = [{**PUPIL, column: planted} for planted in PLANTED]
    reading = Sent("registration_export", {"grade": 5}, more=rows).read()
    assert reading.rows.read == len(PLANTED) + 3
    assert_silent(everything_said(reading))
    assert_silent(caplog.text)


def test_a_row_moved_aside_is_not_told() -> None:
    cells: list[Value] = [PUPIL[name] for name in COLUMNS if name in PUPIL]
    cells[2], cells[3] = PLANTED[0], "14.05.2009"
    above = [["Дата формирования: 08.09.2023"], [COLUMNS[name].title for name in COLUMNS if name in PUPIL]]
    moved: list[list[Value]] = [
        [*cells[-n:], *cells[:-n]] if rotated else [*[None] * n, *cells]
        for n in range(1, len(cells))
        for rotated in (True, False)
    ]
    content = Grid([Sheet("Лист1", [*above, *moved, *(cells[n:] for n in range(1, 6))])], "xlsx")
    reading = Sent("registration_export", content=content).read()
    assert reading.rows.quarantined > 10
    assert_silent(everything_said(reading))


@pytest.mark.parametrize("depth", [0, 1, 2, 3])
def test_rows_taken_for_a_heading_are_not_told(depth: int) -> None:
    """A name beside or under the words of a heading is no heading that is shown."""
    pupil: list[Value] = ["Чаинский район", "Класс", "Планткин Иван", "14.05.2009", "Школа", "Прячев Пётр Образцович"]
    heading: list[Value] = ["Муниципалитет", "Образовательная организация", "ФИО", "Дата рождения", "Класс", None]
    for rows in ([pupil], [heading[:depth], pupil], [heading[: depth + 2], pupil, pupil], [heading, pupil]):
        sheet = Sheet("Лист1", [["на 08.09.2023"], *rows, pupil, pupil])
        for content in (Grid([sheet], "xlsx"), Blocks(sheet, "csv", lambda _: iter(()))):
            assert_silent(everything_said(Sent("registration_export", content=content).read()))


def test_a_list_of_pupils_beside_another_form_is_not_told() -> None:
    pupils = Sheet("Список", [["ФИО", "Класс"], *([planted, "7А"] for planted in PLANTED)])
    for sent in (Sent("readiness_report", beside=(pupils,)), Sent("readiness_report", content=Grid([pupils], "xlsx"))):
        reading = sent.read()
        assert_silent(everything_said(reading))
    assert Sent("readiness_report", beside=(pupils,)).read().verdict == "accepted"


def test_what_is_held_on_the_way_does_not_show_itself() -> None:
    sent = Sent("registration_export", {"full_name": PLANTED[0], "birth_date": "14.05.2009"})
    delivery, context = sent.delivery(), Context(register=SCHOOLS, secret=b"planted secret")
    stream = interpret([delivery], context)[0]
    for each in (delivery, delivery.content, context, identify(delivery, context), stream):
        assert_silent(repr(each))
        assert "planted secret" not in repr(each)


def test_pupils_are_kept_under_a_pseudonym_that_needs_the_secret() -> None:
    delivery = Sent("registration_export").delivery()
    keys = {secret: pupils(delivery, secret)["pupil_key"].to_list() for secret in (b"one", b"other")}
    assert pupils(delivery, b"one").columns == ["row", "pupil_key", "school_id", "grade", "state"]
    assert keys[b"one"] != keys[b"other"]
    assert all(len(each) == 16 for each in itertools.chain(*keys.values()))
    dressed = Sent("registration_export", {"full_name": " ТЁСТОВ иван  образцович"}).delivery()
    assert pupils(dressed, b"one")["pupil_key"].to_list() == keys[b"one"]


def pupils(delivery: Delivery, secret: bytes) -> pl.DataFrame:
    stream = interpret([delivery], Context(register=SCHOOLS, secret=secret))[0]
    assert not isinstance(stream, Reading)
    return pl.concat(list(stream))


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("grade", "15"), ("grade", "7,5"), ("grade", "шесть"), ("grade", "#REF!"), ("verification", "не указано"),
        ("verification", "Верифицирован частично"), ("grade_letter", "А"), ("municipality", "Чаинский р-он, район"),
        ("school_name", "МБОУ «СОШ, которой нет в реестре»"), ("school_name", "Гимназия 7"),
        ("school_name", "МАОУ СОШ № 4 им. И. С. Тестова"), ("trials", "много"),
    ],
)  # fmt: skip
def test_what_is_surely_no_name_is_shown(column: str, text: str) -> None:
    assert harmless(text, COLUMNS[column].kind), text


def test_dates_that_are_nobodys_birth_date_are_shown() -> None:
    texts = pl.Series(["01.09.2023", "2023-10-18", "14.05.2009", "Планткин", None])
    told = shown(texts, COLUMNS["archived_on"], dt.date(2023, 9, 8)).to_list()
    assert told == ["01.09.2023", "2023-10-18", "скрыто", "скрыто", None]


@pytest.mark.parametrize("heading", ["Кол-во посещённых экскурсий (за календарный год 2025)", "Комментарий", "№ п/п"])
def test_headings_are_shown(heading: str) -> None:
    assert not may_be_a_name(heading)
    layout = Sent("registration_export", headings=(heading,)).read().layout
    assert layout.unknown == (heading,)


@pytest.mark.parametrize(
    ("column", "text", "rule"),
    [
        ("birth_date", "09/05/2009", "COM-044"), ("birth_date", "14.05.85", "COM-044"),
        ("last_login", "09/05/2009", "COM-044"), ("archived_on", "14-05-09", "COM-044"),
        ("grade", "140520093)", "COM-044"), ("trials", "39947 *", "COM-045"),
    ],
)  # fmt: skip
def test_what_a_hidden_value_may_mean_is_hidden_too(column: str, text: str, rule: str) -> None:
    reading = Sent("registration_export", {column: text}).read()
    (found,) = reading.findings.filter(pl.col("rule") == rule).to_dicts()
    assert (found["column"], found["value"], found["expected"]) == (column, "скрыто", "скрыто")
    told = everything_said(reading)
    assert [secret for secret in (text, "2009", "1985", "39947") if secret in told] == []


def test_both_meanings_of_a_harmless_value_are_shown() -> None:
    reading = Sent("registration_export", {"grade": "11)", "last_login": "07/08/2023"}).read()
    shown_there = reading.findings.filter(pl.col("rule") == "COM-044").select("value", "expected").rows()
    assert shown_there == [("11)", "11 или 1"), ("07/08/2023", "07.08.2023 или 08.07.2023")]


def test_a_finding_still_names_its_cell() -> None:
    reading = Sent("registration_export", {"grade": PLANTED[0]}).read()
    (found,) = reading.findings.filter(pl.col("rule") == "COM-030").to_dicts()
    assert (found["cell"], found["value"]) == ("E3", "скрыто")
