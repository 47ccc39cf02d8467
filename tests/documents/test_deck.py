"""Slides read back: native tables and charts, nothing runs, nothing is lost, nothing stands outside a slide."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from pptx import Presentation
from pptx.enum.shapes import PP_PLACEHOLDER
from pptx.util import Inches

from documents.writing.deck import Card, Slide, Slides, write_deck
from documents.writing.deck_chart import Chart
from documents.writing.deck_letters import widest_word, width_of
from documents.writing.deck_table import Cell, Table
from documents.writing.deck_template import UnfitTemplate, missing_in

KNOWN = dt.datetime(2023, 9, 9, 3, 30, 15, 123, tzinfo=dt.UTC)
HOSTILE = ["=1+1", "+7 3822", "@SUM(A1)", '=HYPERLINK("http://x";"а")', "<script>alert(1)</script>",
           "http://example.invalid", "\x1b[31mкрасный", "имя\nв две строки", "а" * 5_000]  # fmt: skip


def deck(*slides: Slide, **more: Any) -> Any:
    return Presentation(io.BytesIO(write_deck(Slides("Область", "на дату", "подвал", slides, KNOWN, **more))))


def table(rows: int, **more: Any) -> Table:
    return Table(("Единица", "Школ"), [[Cell(f"Район {n}"), Cell(str(n))] for n in range(rows)], (True, False), **more)


def tables(made: Any) -> list[list[list[str]]]:
    return [[[cell.text for cell in row.cells] for row in shape.table.rows]
            for slide in made.slides for shape in slide.shapes if shape.has_table]  # fmt: skip


def test_a_long_table_goes_on_over_slides_and_loses_no_row() -> None:
    made = deck(Slide("Таблица", table=table(100, total=[Cell("Итого"), Cell("4950")]), notes="откуда"))
    parts = tables(made)
    assert len(parts) > 2
    assert all(part[0] == ["Единица", "Школ"] for part in parts)
    rows = [row for part in parts for row in part[1:]]
    assert rows == [*([f"Район {n}", str(n)] for n in range(100)), ["Итого", "4950"]]
    titles = [slide.shapes.title.text_frame.text for slide in list(made.slides)[1:]]
    assert titles[:2] == ["Таблица", "Таблица (2)"]
    assert {slide.notes_slide.notes_text_frame.text for slide in list(made.slides)[1:]} == {"откуда"}


@pytest.mark.parametrize("rows", [1, 12, 21, 22])
def test_a_table_that_fits_in_smaller_letters_stays_on_one_slide(rows: int) -> None:
    made = deck(
        Slide("Таблица", "Полнота 100 %.", table=table(rows, total=[Cell("Итого"), Cell("1")]), remark="сноска")
    )
    assert [len(part) for part in tables(made)] == [rows + 2]


FIGURE = "13\N{NO-BREAK SPACE}380"
WORDS = ("Муниципальный район", "Единиц с программами", "Программ без территории", "08.09.2023", FIGURE)


@pytest.mark.parametrize("count", [3, 5, 8])
def test_no_word_of_a_table_breaks(count: int) -> None:
    """A heading and a figure stand whole in their columns, however narrow the other columns make them."""
    headings = [WORDS[place % 3] for place in range(count)]
    rows = [[Cell("долгое слово за словом " * 6), *(Cell(WORDS[3 + place % 2]) for place in range(1, count))]]
    total = [Cell("Итого по региону"), *[Cell(FIGURE)] * (count - 1)]
    made = deck(Slide("Т", table=Table(headings, rows, [True, *[False] * (count - 1)], total)))
    (drawn,) = (shape.table for slide in made.slides for shape in slide.shapes if shape.has_table)
    size = drawn.cell(0, 0).text_frame.paragraphs[0].font.size
    for place, column in enumerate(drawn.columns):
        heading, *others = (row.cells[place].text for row in drawn.rows)
        width = max(widest_word(heading, is_bold=True), *map(widest_word, others)) * size
        assert width <= column.width - drawn.cell(0, place).margin_left * 2 + 1, (place, heading)


@pytest.mark.parametrize(
    ("word", "bold", "plain"),
    [("территорией", 7.44, 6.87), ("08.09.2023", 6.33, 5.73), ("ПРОФЕССИЯ", 7.17, 6.47), ("Щёлково", 5.42, 4.77)],
)
def test_a_text_is_taken_for_no_narrower_than_it_is_in_the_widest_font(word: str, bold: float, plain: float) -> None:
    """The widths are those of DejaVu Sans, of the size of letters."""
    assert bold <= width_of(word, is_bold=True) <= bold * 1.15
    assert plain <= width_of(word) <= plain * 1.15


def test_the_last_two_parts_of_a_table_are_as_long_as_each_other_and_in_letters_of_one_size() -> None:
    """Two rows too many do not stand on a slide of their own in letters larger than the others."""
    made = deck(Slide("Т", table=table(30)))
    assert [len(part) - 1 for part in tables(made)] == [15, 15]
    sizes = {shape.table.cell(1, 0).text_frame.paragraphs[0].font.size
             for slide in made.slides for shape in slide.shapes if shape.has_table}  # fmt: skip
    assert len(sizes) == 1


def test_a_long_remark_stands_whole_and_over_the_footer() -> None:
    made = deck(Slide("Т", table=table(12), remark="слово за словом " * 40))
    (slide,) = list(made.slides)[1:]
    (drawn,) = (shape for shape in slide.shapes if shape.has_table)
    (remark,) = (shape for shape in slide.shapes if shape.has_text_frame and "за словом" in shape.text_frame.text)
    (footer,) = (shape for shape in slide.placeholders if shape.text_frame.text == "подвал")
    assert drawn.top + sum(row.height for row in drawn.table.rows) <= remark.top
    assert remark.top + remark.height <= footer.top
    assert remark.height >= 3 * 10 * 12_700


def test_nothing_stands_outside_its_slide() -> None:
    chart = Chart("bars", "Т", ["а", "б"], {"x": [1, None], "y": [2.5, 0]})
    made = deck(
        Slide("Т", "с", [Card("43 000", "обучающихся", "green")] * 4, chart=chart),
        Slide("Т", "с", table=table(60), chart=chart, remark="сноска"),
        Slide("Т", lines=["строка"]),
    )
    for slide in made.slides:
        for shape in slide.shapes:
            assert shape.left >= 0 and shape.left + shape.width <= made.slide_width
            rows = sum(row.height for row in shape.table.rows) if shape.has_table else shape.height
            assert shape.top >= 0 and shape.top + rows <= made.slide_height


def test_what_people_wrote_is_text_on_slides_and_in_the_workbooks_of_charts() -> None:
    rows = [[Cell(text), Cell("1")] for text in HOSTILE]
    chart = Chart("columns", "=1", HOSTILE, {"=ряд": [1.0] * len(HOSTILE)})
    slide = Slide("=1", table=Table(("=а", "б"), rows, (True, False)), chart=chart)
    made = write_deck(Slides("=Титул", "<b>", "=1", [slide], KNOWN))
    shown = [row[0] for part in tables(Presentation(io.BytesIO(made))) for row in part[1:]]
    assert shown[:6] == HOSTILE[:6]
    assert shown[6] == "[31mкрасный"
    assert shown[7] == "имя в две строки"
    assert shown[8].endswith("…") and len(shown[8]) <= 400
    with zipfile.ZipFile(io.BytesIO(made)) as package:
        (book,) = (package.read(name) for name in package.namelist() if name.endswith(".xlsx"))
        assert not any(b"<script>" in package.read(name) for name in package.namelist() if name.endswith(".xml"))
        assert not any(b"hyperlink" in package.read(name) for name in package.namelist() if "/slides/" in name)
    with zipfile.ZipFile(io.BytesIO(book)) as workbook:
        assert b"<f>" not in workbook.read("xl/worksheets/sheet1.xml")
        assert b"hyperlink" not in workbook.read("xl/worksheets/sheet1.xml")


def test_a_chart_can_be_edited_and_a_figure_that_nobody_knows_is_a_gap() -> None:
    made = deck(Slide("Т", chart=Chart("stacked", "", ["сентябрь", "октябрь"], {"План": [20, None], "Есть": [3, 0]})))
    (chart,) = (shape.chart for slide in made.slides for shape in slide.shapes if shape.has_chart)
    assert [(s.name, list(s.values)) for s in chart.plots[0].series] == [("План", [20, None]), ("Есть", [3, 0])]
    book = openpyxl.load_workbook(io.BytesIO(chart.part.chart_workbook.xlsx_part.blob))
    assert [row[1] for row in book.active.iter_rows(values_only=True)] == ["План", 20, None]


def test_equal_slides_give_equal_bytes_and_say_the_time_of_their_figures() -> None:
    slides = Slides("О", "н", "п", [Slide("Т", chart=Chart("bars", "", ["а"], {"x": [1]}), table=table(3))], KNOWN)
    assert write_deck(slides) == write_deck(slides)
    core = Presentation(io.BytesIO(write_deck(slides))).core_properties
    assert core.created == core.modified == KNOWN.replace(tzinfo=None, microsecond=0)


def test_a_footer_stands_on_every_slide() -> None:
    made = deck(Slide("Т"), Slide("У"))
    for slide in made.slides:
        assert "подвал" in [shape.text_frame.text for shape in slide.placeholders]


def test_a_region_brings_its_own_master(tmp_path: Path) -> None:
    own = Presentation()
    own.slide_width, own.slide_height = Inches(10), Inches(5.625)
    own.slides.add_slide(own.slide_layouts[0]).shapes.title.text_frame.text = "лишний"
    own.slide_master.name = "Наш"
    own.save(str(tmp_path / "deck.pptx"))
    made = deck(Slide("Т", table=table(40)), template=tmp_path / "deck.pptx")
    assert (made.slide_width, made.slide_layouts[0].name) == (Inches(10), "Title Slide")
    texts = [shape.text_frame.text for slide in made.slides for shape in slide.shapes if shape.has_text_frame]
    assert "лишний" not in texts and "Т" in texts
    assert sum(len(part) - 1 for part in tables(made)) == 40
    assert missing_in(tmp_path / "deck.pptx") == []
    (tmp_path / "deck.pptx").write_bytes(b"PK")
    with pytest.raises(UnfitTemplate, match="это не презентация"):
        deck(Slide("Т"), template=tmp_path / "deck.pptx")


def test_what_a_master_lacks_is_said_in_words(tmp_path: Path) -> None:
    """Each part that is taken away is named: what slides would then be without."""
    path = tmp_path / "deck.pptx"
    own = Presentation()
    for layout in list(own.slide_layouts)[2:]:
        own.slide_layouts.remove(layout)
    for layout in own.slide_layouts:
        for shape in list(layout.placeholders):
            if shape.placeholder_format.type in (PP_PLACEHOLDER.FOOTER, PP_PLACEHOLDER.SLIDE_NUMBER):
                shape._element.getparent().remove(shape._element)
    own.save(str(path))
    told = [sentence.removeprefix(f"{path}: ") for sentence in missing_in(path)]
    assert told == [
        (
            "после первого нет макета с заголовком и без текста под ним, слайды лягут на макет «Title Slide»:"
            " на них останется пустая рамка"
        ),
        (
            "в макете «Title Slide» нет нижнего колонтитула: на слайдах не будет, на какую дату цифры и когда они"
            " стали известны"
        ),
        "в макете «Title Slide» нет номера слайда",
    ]
    title = own.slide_layouts[0].placeholders[0]
    title._element.getparent().remove(title._element)
    own.save(str(path))
    assert "первый макет «Title Slide» — титул, а заголовка в нём нет: названия не будет" in missing_in(path)[0]
    path.write_bytes(b"no")
    assert missing_in(path) == [f"{path}: это не презентация .pptx, которую можно открыть"]
