"""Forms whose rows are people: facts are under a pseudonym, and a name goes nowhere, wherever it stands."""

from __future__ import annotations

import dataclasses
import datetime as dt
import logging

import polars as pl
import pytest
from example import GOOD, PUPIL, SCHOOLS, Cells, Sent, drained

from contracts.form import Column, Edition, Form
from contracts.forms import form_named
from contracts.grain import SCHOOL, VACANT, Key, People
from contracts.grid import Blocks, Grid, Sheet, Value
from contracts.reading import Reading
from transforms.identity.identify import Context
from transforms.interpret import interpret
from transforms.rows.identity import person_keys

STAFF = form_named("staff")
COLUMNS = {column.name: column for column in STAFF.editions[-1].columns}
RESPONSIBLE, NAVIGATOR = GOOD["staff"]
PLANTED = (
    "Планткина Инна Образцовна", "ПЛАНТКИНА ИННА", "Прячева П. О.", "Скрытова-Прячева Анна", "Планткина",
    "учитель Планткина", "15-о Планткина И.О.", "Планткина 15", "№ 45 от 01.09.2023 Прячева",
)  # fmt: skip
TRACES = ("Планткин", "Прячев", "Скрытов")


def everything_said(reading: Reading) -> str:
    """All that a reading tells anybody."""
    frames = (reading.findings, reading.raw_rows, reading.facts, reading.control_totals, reading.school_outcomes)
    told = [repr(reading), *(str(frame.to_dicts()) for frame in frames), str(reading.layout)]
    return "\n".join(told)


def assert_silent(text: str) -> None:
    for spelt in (text, text.lower(), text.title()):
        assert [trace for trace in TRACES if trace in spelt or trace.lower() in spelt] == []


@pytest.mark.parametrize("column", COLUMNS)
def test_a_planted_cell_is_not_told(column: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for planted in PLANTED:
        reading = Sent("staff", {column: planted}).read()
        assert reading.rows.read == 4 and reading.form == "staff"
        assert_silent(everything_said(reading))
    assert_silent(caplog.text)


@pytest.mark.parametrize("place", ["heading", "sheet", "above", "note", "total", "beside", "outside", "headless"])
def test_a_name_beside_the_rows_is_not_told(place: str) -> None:
    rows: list[list[Value]] = [[row.get(name) for name in COLUMNS] for row in GOOD["staff"]]
    titles: list[Value] = [column.title for column in COLUMNS.values()]
    name, above, beside = "Лист1", [["по состоянию на 08.09.2023"]], []
    match place:
        case "heading":
            titles.append(PLANTED[0])
            titles[6] = f"Дата приказа {PLANTED[0]}"
        case "sheet":
            name = PLANTED[0]
        case "above":
            above.append([f"Составила {PLANTED[0]}"])
        case "note":
            rows += [[], [f"Исполнитель: {PLANTED[0]}", None, None], [None, f"Директор ____ {PLANTED[2]}"]]
        case "total":
            rows.append(["Итого", PLANTED[0], PLANTED[2]])
        case "beside":
            beside = [Sheet(PLANTED[3], [["Список"], ["ФИО"], *([planted] for planted in PLANTED)])]
        case "outside":
            rows[0] += [None, None, PLANTED[0]]
        case _:
            titles[3] = PLANTED[0]
    sheet = Sheet(name, [*above, titles, *rows])  # type: ignore[list-item]
    for content in (Grid([sheet, *beside], "xlsx"), Blocks(sheet, "csv", lambda _: iter(()))):
        assert_silent(everything_said(Sent("staff", content=content).read()))


def test_rows_are_kept_as_far_as_they_may_be_told() -> None:
    """Each row with its outcome; of its cells what is surely no name."""
    reading = Sent("staff", {"position": "куратор Планткина"}).read()
    assert reading.raw_rows["outcome"].to_list() == ["title", "heading", "loaded", "loaded"]
    title, heading, first, second = reading.raw_rows["cells"].to_list()
    assert title == heading == []
    assert first[:4] == ["700001", "МБОУ «Тестовая СОШ»", "скрыто", "Ответственный"]
    assert first[4:8] == ["скрыто", "45-од", "25.08.2023", "да"]
    assert second[2] == "скрыто" and second[3] == "Педагог-навигатор"


def keys(reading: Reading) -> list[str]:
    return reading.facts["person_key"].to_list()


def test_a_pseudonym_is_of_a_person_a_sender_and_a_secret() -> None:
    people = People("staff")

    def of(name: str | None, sender: str = "chainsky", domain: str = "staff", secret: bytes = b"one") -> str:
        (key,) = person_keys(pl.Series([name]), pl.Series([sender]), dataclasses.replace(people, domain=domain), secret)
        return str(key)

    plain = of("Ёлкина-Тестова Мария Образцовна")
    assert len(plain) == 32 and int(plain, 16)
    for dressed in (
        "елкина–тестова  МАРИЯ образцовна",
        "Ёлкинa-Тeстова Мария Образцовна ",
        "Ёлкина - Тестова Мария Образцовна",
    ):
        assert of(dressed) == plain, dressed
    assert of("Тестова М. О.") == of("Тестова М.О.") == of("Тестова М О")
    others = [of("Ёлкина-Тестова Мария Образцовна", **other) for other in (
        {"sender": "asinovsky"}, {"domain": "pupils"}, {"secret": b"other"})]  # type: ignore[arg-type]  # fmt: skip
    assert len({plain, *others}) == 4
    assert of(None) == VACANT


def test_nobody_is_a_pupil_and_a_person_of_staff() -> None:
    person = keys(Sent("staff", {"full_name": PUPIL["full_name"]}).read())
    context = Context(register=SCHOOLS, secret=b"test")
    stream = interpret([Sent("registration_export").delivery()], context)[0]
    assert not isinstance(stream, Reading)
    pupils = [key.hex() for block in stream for key in block["pupil_key"]]
    assert pupils and not set(pupils) & set(person)


def test_one_person_in_two_roles_is_one_person() -> None:
    both = {**RESPONSIBLE, "role": "навигатор"}
    reading = Sent("staff", more=(both,)).read()
    assert reading.verdict == "accepted"
    assert reading.facts.height == 3 and reading.facts["person_key"].n_unique() == 2


def test_the_same_role_twice_is_a_finding_that_names_nobody() -> None:
    reading = Sent("staff", more=(RESPONSIBLE,)).read()
    twice = reading.findings.filter(pl.col("rule") == "COM-050").to_dicts()
    assert [each["value"] for each in twice] == ["скрыто", "скрыто"]
    assert reading.facts.height == 1


@pytest.mark.parametrize("word", ["вакансия", "Вакантно", "—", "не назначен", "нет", ""])
def test_a_vacant_post_has_no_person(word: str) -> None:
    nobody = dict.fromkeys(("trained", "training_hours", "training_date", "order_number", "order_date", "position"), "")
    reading = Sent("staff", {**nobody, "full_name": word}).read()
    assert reading.findings["rule"].to_list() == ["STF-007"], "that nobody is responsible is said"
    assert keys(reading)[0] == VACANT
    assert reading.facts["valid_from"].to_list()[0] == dt.date(2023, 8, 25)


@pytest.mark.parametrize("text", ["более 36", "> 36", "не менее 36 ч", "свыше 350"])
def test_a_bound_is_no_number_of_hours(text: str) -> None:
    reading = Sent("staff", {"training_hours": text}).read()
    assert reading.findings.filter(pl.col("severity") == "error")["rule"].to_list() == ["STF-006"]
    assert reading.facts.height == 1


def test_both_roles_in_one_cell_are_no_role() -> None:
    reading = Sent("staff", {"role": "ответственный, педагог-навигатор"}).read()
    assert reading.findings.filter(pl.col("severity") == "error")["rule"].to_list() == ["COM-034"]


@pytest.mark.parametrize(
    ("number", "is_one"),
    [
        ("17", True), ("№ 45-од", True), ("01-04/15", True), ("12 о/д", True), ("п-17", True), ("45-ОД/2", True),
        ("45-од от 01.09.2023 г.", True), ("142/1-осн", True), ("15 Цой", False), ("Ким И.А. 15", False),
        ("приказ 15", False), ("15-Ким", False), ("15-о Цой И.А.", False), ("от Иванова", False),
    ],
)  # fmt: skip
def test_what_is_a_number_of_an_order(number: str, is_one: bool) -> None:
    reading = Sent("staff", {"order_number": number}).read()
    assert reading.facts["order_number"].to_list()[0] == (number if is_one else None)
    assert ("STF-019" in reading.findings["rule"].to_list()) != is_one


def test_many_lists_are_read_together() -> None:
    """Senders, sheets and doubts of one do not get into another's reading."""
    first = Sent("staff", file="первый.xlsx").delivery()
    second = Sent("staff", {"full_name": PLANTED[0], "role": PLANTED[4]}, file="второй.xlsx").delivery()
    one, other = drained([first, second], Context(register=SCHOOLS, secret=b"test"))
    assert (one.verdict, other.verdict) == ("accepted", "partial")
    assert keys(one)[1] == keys(other)[0]
    assert_silent(everything_said(one) + everything_said(other))


def of_columns(*columns: Column) -> Form:
    grain = (Key("person_key", "person", stated_in="full_name"), SCHOOL)
    return Form(
        "made", "Форма", "Форма.", "reporting_unit", grain, "работник", "раз", "none", None, ("full_name",),
        (Edition("2023", dt.date(2023, 8, 1), columns, ()),), people=People("made"),
    )  # fmt: skip


NAME = Column("full_name", "ФИО", "text", "ФИО.", personal=True, fact=False)
AT = Column("school_name", "Школа", "school_name", "Школа.", fact=False)


def test_a_form_of_people_loads_no_text_in_which_a_name_may_stand() -> None:
    assert of_columns(NAME, AT).names_people
    with pytest.raises(ValueError, match="'remark' of edition 2023 a name may stand: state its pattern"):
        of_columns(NAME, AT, Column("remark", "Примечание", "text", "Что угодно."))
    with pytest.raises(ValueError, match="'full_name' of edition 2023 is personal, so it cannot be a fact"):
        of_columns(dataclasses.replace(NAME, fact=True), AT)


def test_rows_without_a_register_are_read() -> None:
    rows: tuple[Cells, ...] = ({**RESPONSIBLE, "full_name": "Образцова Анна Ивановна"},)
    reading = Sent("staff", more=rows, register=None).read()
    assert "STF-001" in str(reading.findings.filter(pl.col("rule") == "COM-024")["value"].to_list())
    assert_silent(everything_said(reading))
