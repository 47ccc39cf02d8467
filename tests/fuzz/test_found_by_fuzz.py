"""What the fuzz test found, each in its smallest form."""

import struct
from pathlib import Path

import pytest
from corpus import corpus
from mutants import packed, unpacked

from contracts.grid import Unreadable
from documents.reading.read import read_grid
from documents.reading.sandbox_worker import is_large_workbook
from transforms.cells.key import key
from transforms.tables.total_row import number_in


@pytest.mark.timeout(60)
def test_a_long_run_of_spaces_does_not_hang() -> None:
    assert key("Часы" + " " * 1_000_000 + "всего") == "часы всего"


def test_two_sheets_of_one_name_are_refused() -> None:
    """Their rows could not be told apart; the warehouse refused them as a failure of ours."""
    parts = unpacked(next(each.data for each in corpus() if each.ending == "xlsx"))
    book = parts["xl/workbook.xml"]
    start, end = book.index(b"<sheet "), book.index(b"</sheets>")
    parts["xl/workbook.xml"] = book[:end] + book[start:end] + book[end:]
    with pytest.raises(Unreadable, match="same name"):
        read_grid("a.xlsx", packed([*parts.items()]))


def test_a_version_that_no_zip_has_is_damage(tmp_path: Path) -> None:
    data = bytearray(packed([("xl/workbook.xml", b"<workbook/>")]))
    struct.pack_into("<H", data, data.index(b"PK\x01\x02") + 6, 255)
    path = tmp_path / "a.xlsx"
    path.write_bytes(data)
    with path.open("rb") as file:
        assert not is_large_workbook(file)
    with pytest.raises(Unreadable) as caught:
        read_grid(path.name, bytes(data))
    assert caught.value.reason == "corrupt"


def test_a_number_of_more_figures_than_fit_is_none() -> None:
    assert number_in(["9" * 400], 0) is None
