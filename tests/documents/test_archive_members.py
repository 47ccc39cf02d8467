"""Zip archives as people and programs make them, and as nobody should."""

import io
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from contracts.grid import Unreadable
from documents.reading import archive_members
from documents.reading.archive_members import members
from documents.reading.read import MOST_MEMBERS, read_grid

TABLE = "школа;план\nСОШ 1;5\n".encode()


def packed(files: Mapping[str | zipfile.ZipInfo, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content, compression)
    return data.getvalue()


def old_name(name: str, encoding: str) -> bytes:
    """An archive whose one name is in an old encoding, without the flag of UTF-8, as Windows makes it."""
    length = len(name.encode(encoding))
    data = packed({"x" * length: TABLE})
    return data.replace(b"x" * length, name.encode(encoding))


def found(tmp_path: Path, data: bytes) -> dict[str, bytes]:
    path = tmp_path / "архив.zip"
    path.write_bytes(data)
    return {name: content.read() for name, content in members(path)}


def refusal(data: bytes) -> str:
    with pytest.raises(Unreadable) as caught:
        read_grid("архив.zip", data)
    return caught.value.reason


def test_members_in_their_order_and_folders(tmp_path: Path) -> None:
    data = packed({"б/отчёт.csv": TABLE, "папка/": b"", "а.csv": b""})
    assert list(found(tmp_path, data).items()) == [("б/отчёт.csv", TABLE), ("а.csv", b"")]


@pytest.mark.parametrize("encoding", ["cp866", "utf-8"])
def test_names_without_the_flag_of_utf8(tmp_path: Path, encoding: str) -> None:
    assert found(tmp_path, old_name("Готовность Асино №1.csv", encoding)) == {"Готовность Асино №1.csv": TABLE}


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("../../etc/cron.d/a.csv", "etc/cron.d/a.csv"),
        ("/srv/a.csv", "srv/a.csv"),
        ("..\\..\\a.csv", "a.csv"),
        ("a\x1b[31m\u202e.csv", "a[31m.csv"),
        ("./a//b.csv", "a/b.csv"),
    ],
)
def test_a_name_leads_nowhere(tmp_path: Path, written: str, shown: str) -> None:
    assert found(tmp_path, packed({written: TABLE})) == {shown: TABLE}


def test_a_name_of_nothing_but_dots_is_no_file(tmp_path: Path) -> None:
    assert found(tmp_path, packed({"../..": TABLE})) == {}


def test_what_is_no_archive_of_files_has_no_members(tmp_path: Path) -> None:
    workbook = packed({"xl/workbook.xml": b"<workbook/>", "[Content_Types].xml": b"<Types/>"})
    for data in (workbook, packed({"word/document.xml": b""}), TABLE, b"", packed({})):
        assert found(tmp_path, data) == {}


def test_an_archive_of_an_archive_is_opened_once(tmp_path: Path) -> None:
    inner = packed({"a.csv": TABLE})
    assert found(tmp_path, packed({"внутри.zip": inner})) == {"внутри.zip": inner}
    assert refusal(inner) == "unknown"


def test_the_most_members(tmp_path: Path) -> None:
    allowed = packed({f"{number}.csv": TABLE for number in range(MOST_MEMBERS)})
    assert len(found(tmp_path, allowed)) == MOST_MEMBERS
    too_many = packed({f"{number}.csv": TABLE for number in range(MOST_MEMBERS + 1)})
    assert found(tmp_path, too_many) == {}
    assert refusal(too_many) == "too_large"


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    bomb = packed({f"{number}.csv": b"\0" * (60 << 20) for number in range(2)})
    assert found(tmp_path, bomb) == {}
    assert refusal(bomb) == "too_large"


def test_the_most_bytes_is_for_the_caller_to_say(tmp_path: Path) -> None:
    path = tmp_path / "архив.zip"
    path.write_bytes(packed({"a.csv": b"0" * 600, "b.csv": b"0" * 600}))
    assert [name for name, _ in members(path, 1200)] == ["a.csv", "b.csv"]
    assert [name for name, _ in members(path, 1199)] == []


def test_a_size_that_lies_is_damage(tmp_path: Path) -> None:
    data = packed({"a.csv": b"0" * 1000})
    small = data.replace(struct.pack("<I", 1000), struct.pack("<I", 10))
    assert found(tmp_path, small) == {}
    assert refusal(small) == "corrupt"


def test_one_damaged_file_refuses_the_archive(tmp_path: Path) -> None:
    data = bytearray(packed({"a.csv": TABLE, "b.csv": TABLE * 100}, zipfile.ZIP_STORED))
    data[data.rindex(TABLE)] ^= 1
    assert found(tmp_path, bytes(data)) == {}
    assert refusal(bytes(data)) == "corrupt"
    assert refusal(bytes(data[: len(data) // 2])) == "corrupt"


def test_an_encrypted_archive_is_refused(tmp_path: Path) -> None:
    data = bytearray(packed({"a.csv": TABLE}))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + place] |= 1
    assert found(tmp_path, bytes(data)) == {}
    assert refusal(bytes(data)) == "encrypted"


def test_an_endless_directory_is_not_read_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = packed({"a.csv": TABLE}) + archive_members.ENTRY * (archive_members.MOST_ENTRIES + 1)
    monkeypatch.setattr(zipfile, "ZipFile", lambda *_: pytest.fail("the directory was read"))
    assert found(tmp_path, data) == {}
