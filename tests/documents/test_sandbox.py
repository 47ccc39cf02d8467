"""Files that harm their reader are refused in words, and every other file is read all the same."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import xlsxwriter

from contracts.grid import Blocks, CellError, Grid, Unreadable
from documents.reading.formats.limits import Limits
from documents.reading.read import read_grid
from documents.reading.sandbox import ReaderFailed, Sandbox

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
LIMITS = Limits(memory=160 << 20, seconds=60)
TALL = 1_048_576
"""Rows of a sheet with a cell in its first and its last row: a small file that does not fit into 160 MB."""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems have no limit of memory")


def book(rows: int = 3) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as written:
        sheet = written.add_worksheet("Отчёт")
        for r in range(rows):
            sheet.write_row(r, 0, [f"МБОУ «Школа № {r}»", r + 0.5, r])
        sheet.merge_range(rows, 0, rows, 2, "итого")
        sheet.write_formula(rows + 1, 0, "=1/0", None, "#DIV/0!")
    return out.getvalue()


def with_sheet(xml: str, start: str = "") -> bytes:
    """A workbook whose sheet has this content."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book())) as good, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bad:
        for name in good.namelist():
            sheet = f'{start}<worksheet xmlns="{MAIN}">{xml}</worksheet>'
            bad.writestr(name, sheet if name == "xl/worksheets/sheet1.xml" else good.read(name))
    return out.getvalue()


def cell(address: str) -> str:
    return f'<c r="{address}"><v>1</v></c>'


def corners(last: str) -> bytes:
    """A workbook with two cells: the first and this one."""
    row = last.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    return with_sheet(f'<sheetData><row r="1">{cell("A1")}</row><row r="{row}">{cell(last)}</row></sheetData>')


def scattered() -> bytes:
    """A workbook with a cell in the last column of every two thousandth row."""
    rows = (f'<row r="{row}">{cell(f"XFD{row}")}</row>' for row in range(1, 1_000_000, 2000))
    return with_sheet(f"<sheetData>{''.join(rows)}</sheetData>")


def merged(ranges: int) -> bytes:
    refs = "".join(f'<mergeCell ref="A{2 * n + 1}:B{2 * n + 2}"/>' for n in range(ranges))
    return with_sheet(f'<sheetData><row r="1">{cell("A1")}</row></sheetData><mergeCells>{refs}</mergeCells>')


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("hostile")
    entities = '<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;&b;">]>'
    good = book()
    contents = {
        "good.xlsx": good,
        "good.csv": "Школа;Учеников\nМБОУ «Тестовая СОШ»;15\n".encode("cp1251"),
        "tall.xlsx": corners(f"H{TALL}"),
        "cut.xlsx": good[: len(good) // 2],
        "corners.xlsx": corners("XFD1048576"),
        "scattered.xlsx": scattered(),
        "merged.xlsx": merged(150_000),
        "entities.xlsx": with_sheet('<sheetData><row><c t="str"><v>&c;</v></c></row></sheetData>', entities),
        "bomb.xlsx": with_sheet("<sheetData/>" + " " * (110 << 20)),
        "cut.xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(range(256)) * 8,
        "empty.csv": b"",
        "picture.xlsx": b"\x89PNG\r\n" + bytes(100),
    }
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    return {name: folder / name for name in contents}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(2, LIMITS) as made:
        yield made


def readers(parent: int) -> set[int]:
    """The processes that read for a process."""
    found = set()
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):
            of = int((place / "stat").read_text().rsplit(")", 1)[1].split()[1])
            if of == parent and b"sandbox_worker" in (place / "cmdline").read_bytes():
                found.add(int(place.name))
    return found


def is_there(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_for(reached: object, seconds: float = 20) -> None:
    assert callable(reached)
    until = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.mark.parametrize("name", ["good.xlsx", "good.csv"])
def test_a_process_reads_what_we_read(sandbox: Sandbox, files: dict[str, Path], name: str) -> None:
    assert sandbox.open(name, files[name]) == read_grid(name, files[name].read_bytes())


def test_processes_are_started_as_files_need_them(files: dict[str, Path]) -> None:
    """Whoever opens one file after another needs no more than one; a few spare ones are for a machine that is late."""
    with Sandbox(8, LIMITS) as made:
        for _ in range(3):
            made.open("good.csv", files["good.csv"])
        assert sum(reader.process is not None for reader in made._readers) < 4
        found = [made.submit("good.csv", files["good.csv"]) for _ in range(40)]
        assert len({repr(each.result()) for each in found}) == 1
        assert sum(reader.process is not None for reader in made._readers) > 1


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("tall.xlsx", "too_large"),
        ("scattered.xlsx", "too_large"),
        ("merged.xlsx", "too_large"),
        ("bomb.xlsx", "too_large"),
        ("entities.xlsx", "corrupt"),
        ("cut.xlsx", "corrupt"),
        ("cut.xls", "corrupt"),
        ("empty.csv", "empty"),
        ("picture.xlsx", "unknown"),
    ],
)
def test_a_hostile_file_is_refused(sandbox: Sandbox, files: dict[str, Path], name: str, reason: str) -> None:
    with pytest.raises(Unreadable) as caught:
        sandbox.open(name, files[name])
    assert (caught.value.reason, bool(caught.value.detail)) == (reason, True)
    assert isinstance(sandbox.open("good.xlsx", files["good.xlsx"]), Grid)


def test_one_cell_far_away_is_left_out_by_name(sandbox: Sandbox, files: dict[str, Path]) -> None:
    grid = sandbox.grid("corners.xlsx", files["corners.xlsx"])
    assert (grid.sheets[0].rows, [doubt.decided for doubt in grid.doubts]) == ([[1]], ["лист «Отчёт»: XFD1048576"])


def test_limits_are_told(files: dict[str, Path]) -> None:
    with Sandbox(1, LIMITS) as narrow, pytest.raises(Unreadable, match="160 MB"):
        narrow.open("tall.xlsx", files["tall.xlsx"])
    with Sandbox(1, Limits(seconds=0.2)) as hasty:
        with pytest.raises(Unreadable, match=r"0\.2 seconds") as caught:
            hasty.open("tall.xlsx", files["tall.xlsx"])
        assert caught.value.reason == "too_slow"
        assert isinstance(hasty.open("good.xlsx", files["good.xlsx"]), Grid)
    with Sandbox(1, Limits(cells=8)) as small, pytest.raises(Unreadable, match="5 rows and 3 columns"):
        small.open("good.xlsx", files["good.xlsx"])
    with Sandbox(1) as wide:
        content = wide.open("tall.xlsx", files["tall.xlsx"])
    assert isinstance(content, Grid)
    assert len(content.sheets[0].rows) == TALL


def test_files_in_flight_are_not_lost(sandbox: Sandbox, files: dict[str, Path]) -> None:
    names = ["good.xlsx", "tall.xlsx", "good.csv"] * 5
    found = [future.exception() for future in sandbox.in_order((name, files[name]) for name in names)]
    assert [error is None for error in found] == [name != "tall.xlsx" for name in names]


def test_files_are_opened_a_few_ahead(sandbox: Sandbox, files: dict[str, Path]) -> None:
    asked = []

    def names() -> Iterator[tuple[str, Path]]:
        for number in range(50):
            asked.append(number)
            yield "good.csv", files["good.csv"]

    opened = sandbox.in_order(names())
    next(opened).result()
    assert 1 < len(asked) < 10


def test_a_large_workbook_comes_by_blocks(sandbox: Sandbox, tmp_path: Path) -> None:
    text = "Тестовая школа Чаинского района " * 8
    rows = [f'<row><c t="inlineStr"><is><t>{text}{n}</t></is></c><c/><c><v>{n}</v></c></row>' for n in range(60_000)]
    rows[7] = '<row><c t="e"><v>#REF!</v></c><c/><c><v>7</v></c></row>'
    path = tmp_path / "выгрузка.xlsx"
    path.write_bytes(with_sheet(f"<sheetData>{''.join(rows)}</sheetData>"))
    with Sandbox(1) as wide:
        content = wide.open(path.name, path)
    assert isinstance(content, Blocks)
    assert content.head.rows[0] == [f"{text}0", None, "0"]
    frames = list(content.frames(59_000))
    assert [row for frame in frames for row in frame.rows()][-1] == (60_000, f"{text}59999", None, "59999")
    assert next(content.frames(1)).row(7) == (8, "#REF!", None, "7")
    whole = wide_grid(path)
    assert whole.sheets[0].rows[7] == [CellError("#REF!"), None, 7]


def wide_grid(path: Path) -> Grid:
    with Sandbox(1) as wide:
        return wide.grid(path.name, path)


def test_a_mistake_of_ours_is_told_without_cells(sandbox: Sandbox, files: dict[str, Path]) -> None:
    with pytest.raises(ReaderFailed) as caught:
        sandbox.open(15, files["good.csv"])  # type: ignore[arg-type]
    assert str(caught.value).startswith("TypeError in a reader process at ")
    assert "Тестовая" not in str(caught.value)
    with pytest.raises(FileNotFoundError):
        sandbox.open("a.csv", files["good.csv"].with_name("нет.csv"))


def test_a_process_killed_by_others_is_replaced(files: dict[str, Path]) -> None:
    others = readers(os.getpid())
    with Sandbox(1) as made:
        made.open("good.csv", files["good.csv"])
        (mine,) = readers(os.getpid()) - others
        future = made.submit("tall.xlsx", files["tall.xlsx"])
        wait_for(future.running)
        os.kill(mine, signal.SIGKILL)
        assert isinstance(future.result(), Grid)
        assert mine not in readers(os.getpid())


def test_a_large_parent_does_not_wear_out_its_readers(files: dict[str, Path]) -> None:
    """The largest size of the parent is told as that of a process which it starts."""
    ballast = bytearray(300 << 20)
    ballast[:: 1 << 12] = b"x" * len(ballast[:: 1 << 12])
    others = readers(os.getpid())
    with Sandbox(1, Limits(memory=1 << 30)) as made:
        made.open("good.csv", files["good.csv"])
        first = readers(os.getpid()) - others
        made.open("good.xlsx", files["good.xlsx"])
        assert len(first) == 1
        assert readers(os.getpid()) - others == first


def test_processes_outlive_interrupts_and_know_no_secrets(
    files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROFMIN_DATABASE_URL", "postgresql://u:secret@h/d")
    others = readers(os.getpid())
    with Sandbox(1) as made:
        made.open("good.csv", files["good.csv"])
        (mine,) = readers(os.getpid()) - others
        assert b"secret" not in Path(f"/proc/{mine}/environ").read_bytes()
        for each in (signal.SIGINT, signal.SIGTERM):
            os.kill(mine, each)
        assert isinstance(made.open("good.csv", files["good.csv"]), Grid)
        assert is_there(mine)
    assert not is_there(mine)


READ = """
import sys
from pathlib import Path
from documents.reading.sandbox import Sandbox
made = Sandbox(2)
for each in [made.submit("a", Path(sys.argv[1])) for _ in range(2)]:
    each.result()
"""


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_process_is_left_behind(files: dict[str, Path], ending: signal.Signals) -> None:
    command = [sys.executable, "-c", READ, str(files["tall.xlsx"])]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as parent:
        wait_for(lambda: len(readers(parent.pid)) == 2)
        time.sleep(0.5)  # they are reading by now
        children = readers(parent.pid)
        parent.send_signal(ending)
        parent.wait()
        wait_for(lambda: not any(map(is_there, children)))


def test_a_run_over_good_and_hostile_files(files: dict[str, Path], tmp_path: Path) -> None:
    """What the command line says: refused in words, exit code 4, nothing of a dying process on the terminal."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PROFMIN_")}
    limits = {"PROFMIN_READER_MEMORY_MB": "160", "PROFMIN_HOME": str(tmp_path / "no")}
    from documents.demo import tomsk, write_deliveries

    write_deliveries(tomsk(), tmp_path)
    report = next((tmp_path / "asinovsky").iterdir())
    bad = [path for name, path in files.items() if not name.startswith("good")]
    ran = subprocess.run(
        [sys.executable, "-m", "flows.cli.app", "check", "--json", *map(str, bad), str(report)],
        env=environment | limits, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (4, "")
    outcomes = {each["file"]: each for each in json.loads(ran.stdout)}
    assert outcomes[report.name]["verdict"] == "accepted"
    refusals = {name: each["findings"][0]["rule"] for name, each in outcomes.items() if each["verdict"] == "refused"}
    assert len(refusals) == len(bad)
    assert (refusals["tall.xlsx"], refusals["cut.xls"], refusals["empty.csv"]) == ("COM-005", "COM-003", "COM-001")
    assert all(each["findings"][0]["message"] for each in outcomes.values() if each["verdict"] == "refused")
