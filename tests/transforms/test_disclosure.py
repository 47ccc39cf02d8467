"""Names and birth dates of pupils go nowhere, also when they stand where nobody expects them."""

from __future__ import annotations

import datetime as dt
import itertools
import logging
from dataclasses import replace

import polars as pl
import pytest
from example import PUPIL, SCHOOLS, Sent

from contracts.forms import form_named
from contracts.grid import Blocks, Doubt, Grid, Sheet, Value
from contracts.reading import Reading
from transforms.cells.school_name import school_key
from transforms.findings.disclosure import KnownNames, harmless, may_be_shown, shown
from transforms.identity.identify import Context, Delivery, identify
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
    kept = {secret: pupils(delivery, secret) for secret in (b"one", b"other")}
    keys = {secret: rows["pupil_key"].to_list() for secret, rows in kept.items()}
    assert pl.String not in kept[b"one"].dtypes, "nothing of a pupil is kept as it is written"
    for told in ("pupil_key", "line", "namesake"):
        assert kept[b"one"][told].to_list() != kept[b"other"][told].to_list(), told
    assert all(len(each) == 16 for each in itertools.chain(*keys.values()))
    dressed = Sent("registration_export", {"full_name": " ТЁСТОВ иван  образцович"}).delivery()
    assert pupils(dressed, b"one")["pupil_key"].to_list() == keys[b"one"]


def pupils(delivery: Delivery, secret: bytes) -> pl.DataFrame:
    stream = interpret([delivery], Context(register=SCHOOLS, secret=secret))[0]
    assert not isinstance(stream, Reading)
    return pl.concat(list(stream))


SCHOOLS_KNOWN = KnownNames(frozenset({"700001", school_key("МБОУ «Тестовая СОШ»"), school_key("Гимназия № 7")}))


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("grade", "15"), ("grade", "7,5"), ("grade", "7 класс"), ("grade", "#REF!"),
        ("grade", "шесть"), ("trials", "много"), ("verification", "Верифицирован частично"), ("grade_letter", "А"),
        ("municipality", "Чаинский район"), ("municipality", " ЧАИНСКИЙ  район"),
        ("school_name", "МБОУ «Тестовая СОШ»"), ("school_name", "мбоу тестовая сош"), ("school_name", "700001"),
        ("school_name", "гимназия №7"),
    ],
)  # fmt: skip
def test_what_our_own_tables_know_is_shown(column: str, text: str) -> None:
    assert harmless(text, COLUMNS[column].kind, SCHOOLS_KNOWN), text


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("school_name", "МБОУ «СОШ, которой нет в реестре»"), ("school_name", "МАОУ СОШ № 4 им. И. С. Тестова"),
        ("school_name", "Планткин Иван, школа № 1"), ("municipality", "Чаинский р-он, Планткин"),
        ("municipality", "село Планткино"), ("grade_letter", "Ли"), ("grade", "шестой"), ("trials", "малыш"),
        ("verification", "верифицирован прячев"), ("verification", "П. О."), ("grade", "20090514"),
    ],
)  # fmt: skip
def test_what_they_do_not_know_is_hidden_whatever_it_looks_like(column: str, text: str) -> None:
    assert not harmless(text, COLUMNS[column].kind, SCHOOLS_KNOWN), text


def test_dates_that_are_nobodys_birth_date_are_shown() -> None:
    texts = pl.Series(["01.09.2023", "2023-10-18", "14.05.2009", "Планткин", None])
    told = shown(texts, COLUMNS["archived_on"], dt.date(2023, 9, 8)).to_list()
    assert told == ["01.09.2023", "2023-10-18", "скрыто", "скрыто", None]


@pytest.mark.parametrize("heading", ["Кол-во посещённых экскурсий (за календарный год 2025)", "Комментарий", "№ п/п"])
def test_headings_of_our_own_words_are_shown(heading: str) -> None:
    assert may_be_shown(heading)
    layout = Sent("registration_export", headings=(heading,)).read().layout
    assert layout.unknown == (heading,)


@pytest.mark.parametrize("heading", ["Планткин", "планткин иван", "Прячев П. О.", "Класс Планткина", "14.05.2009"])
def test_a_heading_of_other_words_is_hidden_and_its_place_is_told(heading: str) -> None:
    reading = Sent("registration_export", headings=(heading,)).read()
    assert reading.layout.unknown == ("скрыто",)
    (found,) = reading.findings.filter(pl.col("rule") == "COM-013").to_dicts()
    assert found["value"] == "скрыто" and found["cell"] and found["sheet"] == "Лист1"
    assert_silent(everything_said(reading))


@pytest.mark.parametrize("name", ["Планткин Иван", "Прячев", "14.05.2009", "планткин_5А"])
@pytest.mark.parametrize("cells", [{"grade": "шестой"}, {"full_name": None}, {}])
def test_the_name_of_a_sheet_may_be_that_of_a_pupil(name: str, cells: dict[str, Value]) -> None:
    grid = Sent("registration_export", cells, more=[PUPIL], headings=("Своё",)).grid()
    for content in (
        Grid([replace(grid.sheets[0], name=name)], "xlsx"),
        Grid([Sheet(name, [["Обложка"]]), *grid.sheets], "xlsx"),
        Grid([Sheet(name, [row[:4] for row in grid.sheets[0].rows]), replace(grid.sheets[0], name="Прячев 2")], "xlsx"),
    ):
        assert_silent(everything_said(Sent("registration_export", content=content).read()))


def test_a_sheet_of_a_known_name_keeps_it() -> None:
    grid = Sent("registration_export", {"grade": "шестой"}).grid()
    for name, told in (("Выгрузка 08.09.2023", "Выгрузка 08.09.2023"), ("Прячев", "лист 1")):
        content = Grid([replace(grid.sheets[0], name=name)], "xlsx")
        findings = Sent("registration_export", content=content).read().findings
        assert set(findings["sheet"].drop_nulls()) == {told}


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


@pytest.mark.parametrize("is_export", [True, False])
def test_the_name_of_a_sheet_is_told_by_no_doubt_about_it(is_export: bool) -> None:
    """A sheet that has no part, one with a cell far away, and one of a file without headings."""
    name = f"{PLANTED[0]}, «{PLANTED[2]}»"
    titles = [column.title for column in COLUMNS.values()] if is_export else PLANTED[:3]
    sheets = [Sheet(name, [["Дата формирования: 08.09.2023"], [*titles], [*PLANTED]]), Sheet("Лист2", [["x"]])]
    doubts = (Doubt("far_cells", f"лист «{name}»: B2"), Doubt("parts", f"скрытый лист «{PLANTED[0]}»: повреждён"),
              Doubt("far_cells", "лист «Лист2»: B9"))  # fmt: skip
    reading = Sent("registration_export", content=Grid(sheets, "xlsx", (), doubts)).read()
    assert_silent(everything_said(reading))
    values = reading.findings["value"].to_list()
    assert {"лист 1: B2", "скрытый лист «скрыто»: повреждён", "лист «Лист2»: B9"} <= set(values)
    assert is_export or f"лист 1: 3 × {len(PLANTED)}; лист «Лист2»: 1 × 1" in values
