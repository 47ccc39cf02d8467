"""Cells as they should not be, and a table of them written as a workbook or a text without any of a library's care."""

from __future__ import annotations

import csv
import datetime as dt
import io
import zipfile
from html import escape
from random import Random

from contracts.grid import CellError, Range, Sheet, Value, column_letters

DAY_ZERO = dt.datetime(1899, 12, 30)  # noqa: DTZ001 - a workbook keeps local time

TEXTS = (
    "", " ", "\u00a0", "-", "–", "нет", "х", "…", "Да", "Итого", "Итого по району", "ВСЕГО:", "1 2 3", "№", "№ п/п",
    "5", "5,5", "5.5", "1 000", "1\u00a0000", "1\u2009000,5", "12,5,6", "--5", "+5", "−5", "5-", "(5)", "1e5",
    "1e309", "-1e-400", "inf", "-Infinity", "nan", "NaN", "0x1F", "1_000", "²", "①", "½", "٤٢", "５", "Ⅻ", "9" * 400,
    "0" * 30, "0.1" + "0" * 300 + "1", "33,77%", "%", "100 %", "-5%", "1000000%", "31.02.2023", "00.00.0000",
    "29.02.2023", "1.1.0001", "01.01.10000", "2023-09-08T25:61:61", "08/09/23", "8 сентября 2023 года", "32 мая 2023",
    "45178", "9-11", "11–6", "6-11 классы", "с 6 по 11", "6,7,8,9,10,11", "0-99", "да/нет", "1", "0", "истина",
    "базовый уровень", "директор\nзаместитель", "a\tb", "\x01", "\x1f", "\x7f", "\ufeffСОШ", "\u202eСОШ",
    "МБОУ\u200b «СОШ»", "😀" * 50, "\ud7ff", "й", "й", "Ё", "ﬀ", "İ", "ß", "=1+1", "=cmd|'/C calc'!A0", "@SUM(A1)",
    "+7 (999) 123-45-67", "'", '"', '""', ";", ",", "<b>", "&amp;", "_x0000_", "_x000D_", "\\N", "{}", "NULL",
    "#REF!", "#N/A", "Err:509", "105,252)", "20223)", "*", "* прим.", "я" * 32_768, "(" * 3000, "1," * 3000,
    " " * 5000 + "5", "по состоянию на 08.09.2023", "по состоянию на 99.99.9999",
    "Муниципальное образование: Асиновский район", "Исполнитель: специалист", "70000000000000000000",
)  # fmt: skip
RAW_CELLS = (
    '<c{r} t="n"><v>NaN</v></c>', "<c{r}><v>1E400</v></c>", "<c{r}><v>-1E-320</v></c>", "<c{r}><v>1e15</v></c>",
    "<c{r}><v>9007199254740993</v></c>", "<c{r}><v>123456789012345678901234567890</v></c>", "<c{r}><v>5</v></c>",
    "<c{r}><v>-5</v></c>", "<c{r}><v>0.1</v></c>", '<c{r} s="1"><v>99999999999</v></c>', '<c{r} s="1"><v>-5</v></c>',
    '<c{r} s="1"><v>0.5</v></c>', '<c{r} s="1"><v>60</v></c>', '<c{r} s="1"><v>2958466</v></c>',
    '<c{r} s="2"><v>0.8</v></c>', '<c{r} s="3"><v>100.5</v></c>', '<c{r} s="9"><v>1</v></c>',
    '<c{r} t="b"><v>1</v></c>', '<c{r} t="s"><v>0</v></c>', '<c{r} t="s"><v>-1</v></c>', "<c{r}><f>1+1</f></c>",
    "<c{r}><f>1+1</f><v></v></c>", '<c{r} t="str"><f>A1</f><v>текст</v></c>', '<c{r} t="str"><f>A1</f></c>',
    '<c{r} t="d"><v>2023-09-08</v></c>', '<c{r} t="d"><v>9999-99-99</v></c>', '<c{r} t="e"><v>#REF!</v></c>',
    '<c{r} t="e"><v>#ВЗДОР!</v></c>', '<c{r} t="e"></c>', '<c{r} t="inlineStr"/>', '<c{r} t="inlineStr"><is/></c>',
    '<c{r} t="inlineStr"><is><r><t>СО</t></r><r><t xml:space="preserve">Ш </t></r></is></c>', "<c{r}/>",
    "<c{r}><v/></c>", "<c{r}><v> 5 </v></c>", "<c{r}><v>5,5</v></c>", '<c r="A1"><v>5</v></c>',
    '<c r="A"><v>5</v></c>', "<c><v>5</v></c>",
)  # fmt: skip
HOPELESS = (
    '<c{r} t="x"><v>5</v></c>', '<c{r} t="b"><v>7</v></c>', '<c{r} t="s"><v>999999</v></c>',
    '<c r="ZZZ5"><v>5</v></c>', '<c r="XFD1048576"><v>5</v></c>',
)  # fmt: skip
"""Cells for which a whole workbook is refused."""
TYPED: tuple[Value, ...] = (
    True, False, 0, -1, 5, 10**15, 0.5, 1e300, -0.0, CellError("#REF!"), CellError("#N/A"), dt.date(1900, 1, 1),
    dt.date(9999, 12, 31), dt.datetime.combine(dt.date(2023, 9, 8), dt.time(12, 30)), dt.timedelta(hours=30),
    dt.date(2023, 9, 8), None,
)  # fmt: skip
ENCODINGS = ("utf-8", "utf-8-sig", "cp1251", "cp866", "koi8-r", "utf-16", "utf-16-le", "utf-16-be")
STYLES = (
    '<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><numFmts count="1">'
    '<numFmt numFmtId="164" formatCode="dd.mm.yyyy"/></numFmts><cellXfs count="4"><xf numFmtId="0"/>'
    '<xf numFmtId="164"/><xf numFmtId="10"/><xf numFmtId="46"/></cellXfs></styleSheet>'
)
SPREADSHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
FIXED = {
    "[Content_Types].xml": "<Types/>",
    "_rels/.rels": f'<Relationships><Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
    "</Relationships>",
    "xl/styles.xml": STYLES,
    "xl/sharedStrings.xml": f'<sst xmlns="{SPREADSHEET}"><si><t>общий текст</t></si></sst>',
    "xl/_rels/workbook.xml.rels": f'<Relationships><Relationship Id="rId1" Type="{OFFICE}/worksheet" '
    f'Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="{OFFICE}/styles" Target="styles.xml"/>'
    f'<Relationship Id="rId3" Type="{OFFICE}/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
}


class Raw(str):
    """A cell that is written as this XML, whatever it says."""


Cell = Value | Raw
Table = list[list[Cell]]


def spoiled_cells(random: Random, sheet: Sheet) -> tuple[Table, list[Range], list[str]]:
    """The rows and merged ranges of a sheet after some accidents, and what these were."""
    table: Table = [list(row) for row in sheet.rows]
    merged = list(sheet.merged)
    told = []
    for _ in range(random.choice((1, 1, 2, 3, 6))):
        accident = random.choices(ACCIDENTS, WEIGHTS)[0]
        told.append(accident.__name__)
        accident(random, table, merged)
    return table, merged, told


def nasty(random: Random) -> Cell:
    kind = random.random()
    if kind < 0.5:
        return random.choice(TEXTS)
    if kind < 0.8:
        return Raw(random.choice(HOPELESS if random.random() < 0.01 else RAW_CELLS))
    return random.choice(TYPED)


def put(table: Table, r: int, c: int, value: Cell) -> None:
    table.extend([] for _ in range(r + 1 - len(table)))
    table[r].extend(None for _ in range(c + 1 - len(table[r])))
    table[r][c] = value


def width(table: Table) -> int:
    return max(map(len, table), default=0) or 1


def bad_cells(random: Random, table: Table, _: list[Range]) -> None:
    for _turn in range(random.choice((1, 1, 2, 5, 20))):
        put(table, random.randrange(len(table) + 2), random.randrange(width(table) + 2), nasty(random))


def bad_column(random: Random, table: Table, _: list[Range]) -> None:
    place, value = random.randrange(width(table)), nasty(random)
    for r in range(len(table) // 2, len(table)):
        put(table, r, place, value if random.random() < 0.8 else nasty(random))


def swapped_columns(random: Random, table: Table, _: list[Range]) -> None:
    one, other = random.randrange(width(table)), random.randrange(width(table))
    for row in table:
        row.extend(None for _ in range(max(one, other) + 1 - len(row)))
        row[one], row[other] = row[other], row[one]


def deleted_row(random: Random, table: Table, _: list[Range]) -> None:
    if table:
        del table[random.randrange(len(table))]


def repeated_row(random: Random, table: Table, _: list[Range]) -> None:
    if table:
        row = random.choice(table)
        place = random.randrange(len(table) + 1)
        table[place:place] = [list(row) for _ in range(random.choice((1, 1, 3, 40)))]


def rows_above(random: Random, table: Table, _: list[Range]) -> None:
    lines = [[nasty(random) if random.random() < 0.5 else None] for _ in range(random.choice((1, 3, 20, 70)))]
    table[:0] = lines


def blank_columns(random: Random, table: Table, _: list[Range]) -> None:
    place, count = random.randrange(width(table) + 1), random.choice((1, 1, 2, 30))
    for row in table:
        row[place:place] = [None] * count


def deleted_column(random: Random, table: Table, _: list[Range]) -> None:
    place = random.randrange(width(table))
    for row in table:
        del row[place : place + 1]


def moved_heading(random: Random, table: Table, _: list[Range]) -> None:
    heading = max(range(len(table)), key=lambda r: sum(isinstance(value, str) for value in table[r]), default=0)
    if table:
        table.insert(random.randrange(len(table)), table.pop(heading))


def split_row(random: Random, table: Table, _: list[Range]) -> None:
    """A heading or a school that goes on in the next row."""
    if table:
        r = random.randrange(len(table))
        table.insert(r + 1, [None if random.random() < 0.5 else value for value in table[r]])
        table[r] = [value if below is None else None for value, below in zip(table[r], table[r + 1], strict=True)]


def merges(random: Random, table: Table, merged: list[Range]) -> None:
    for _ in range(random.choice((1, 2, 200))):
        r, c = random.randrange(len(table) + 1), random.randrange(width(table))
        down, right = random.choice(((0, 1), (1, 0), (3, 3), (0, 200), (1_048_575 - r, 0), (1_048_575 - r, 16_383 - c)))
        merged.append(Range(r, c, r + down, c + right))


def transposed(_: Random, table: Table, __: list[Range]) -> None:
    wide = width(table)
    table[:] = [[row[c] if c < len(row) else None for row in table] for c in range(wide)]


def emptied(random: Random, table: Table, _: list[Range]) -> None:
    keep = random.randrange(len(table) + 1)
    del table[keep:]


def side_by_side(random: Random, table: Table, _: list[Range]) -> None:
    """The same table once more, to the right of itself or under itself."""
    again = [list(row) for row in table]
    if random.random() < 0.5:
        table.extend(again)
        return
    wide = width(table)
    for row, more in zip(table, again, strict=True):
        row.extend([None] * (wide + 1 - len(row)))
        row.extend(more)


ACCIDENTS = (bad_cells, bad_column, swapped_columns, deleted_row, repeated_row, rows_above, blank_columns,
             deleted_column, moved_heading, split_row, merges, transposed, emptied, side_by_side)  # fmt: skip
WEIGHTS = (16, 8, 3, 2, 2, 2, 2, 2, 3, 2, 3, 1, 1, 2)


def written(random: Random, table: Table, merged: list[Range]) -> tuple[str, bytes, str]:
    """Ending, bytes, and how the table was written: most often as a workbook, else as a text."""
    if random.random() < 0.65:
        return "xlsx", workbook(random, table, merged), "as xlsx"
    encoding, separator = random.choice(ENCODINGS), random.choice(";;;,\t|")
    end, quoting = random.choice(("\r\n", "\n", "\r")), random.choice((csv.QUOTE_MINIMAL, csv.QUOTE_ALL))
    made = io.StringIO()
    writer = csv.writer(made, delimiter=separator, lineterminator=end, quoting=quoting)
    writer.writerows([["" if value is None else as_text(value) for value in row] for row in table])
    text = made.getvalue()
    if random.random() < 0.15:
        place = random.randrange(len(text) + 1)
        text = (
            text[:place] + random.choice(('"', "\0", "\x1a", '";"', "\n\n", "sep=;\n", "\x85", "\u2028")) + text[place:]
        )
    how = f"as csv in {encoding} by {separator!r}"
    return "csv", text.encode(encoding, random.choice(("replace", "ignore"))), how


def as_text(value: Cell) -> str:
    return value.strftime("%d.%m.%Y") if isinstance(value, dt.date) else str(value)


def workbook(random: Random, table: Table, merged: list[Range]) -> bytes:
    lines = []
    addressed = random.random() < 0.9
    for r, row in enumerate(table):
        filled = "".join(
            as_xml(value, f' r="{column_letters(c)}{r + 1}"' if addressed else "")
            for c, value in enumerate(row)
            if value is not None or not addressed
        )
        lines.append(f'<row r="{r + 1}">{filled}</row>' if addressed else f"<row>{filled}</row>")
    ranges = "".join(f'<mergeCell ref="{each.address}"/>' for each in merged)
    ranges = f'<mergeCells count="{len(merged)}">{ranges}</mergeCells>' if merged else ""
    hidden = random.choice(("", "", "", "", ' state="hidden"'))
    parts = FIXED | {
        "xl/workbook.xml": f'<workbook xmlns="{SPREADSHEET}" xmlns:r="{OFFICE}"><sheets><sheet name="Лист1" sheetId="1"'
        f'{hidden} r:id="rId1"/></sheets></workbook>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{SPREADSHEET}"><sheetData>{"".join(lines)}</sheetData>{ranges}'
        "</worksheet>",
    }
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", compresslevel=1) as archive:
        for name, part in parts.items():
            archive.writestr(zipfile.ZipInfo(name), part.encode("utf-8", "replace"))
    return made.getvalue()


def as_xml(value: Cell, address: str) -> str:
    """A cell in the XML of a worksheet."""
    if isinstance(value, Raw):
        return value.format(r=address)
    if value is None:
        return f"<c{address}/>"
    if isinstance(value, bool):
        return f'<c{address} t="b"><v>{int(value)}</v></c>'
    if isinstance(value, CellError):
        return f'<c{address} t="e"><v>{value}</v></c>'
    if isinstance(value, int | float):
        return f"<c{address}><v>{value!r}</v></c>"
    if isinstance(value, dt.date | dt.timedelta):
        days = value if isinstance(value, dt.timedelta) else day_number(value)
        style = "3" if isinstance(value, dt.timedelta) else "1"
        return f'<c{address} s="{style}"><v>{days / dt.timedelta(days=1)!r}</v></c>'
    text = "".join(letter for letter in escape(str(value)) if letter >= " " or letter in "\t\n")
    return f'<c{address} t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'


def day_number(value: dt.date) -> dt.timedelta:
    moment = value if isinstance(value, dt.datetime) else dt.datetime.combine(value, dt.time())
    return moment.replace(tzinfo=None) - DAY_ZERO
