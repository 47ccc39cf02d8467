"""A reader process has nothing that a file which takes it over could use, and what it says is data."""

from __future__ import annotations

import base64
import datetime as dt
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import xlsxwriter

from contracts.grid import CellError, Doubt, Grid, Range, Sheet, Unreadable
from documents.reading import sandbox as sandbox_module
from documents.reading.answers import Answer, Failure, Mishap, Nonsense, Ready, Refusal, Table, answer, encoded, raised
from documents.reading.confinement import FIRST_ACCOUNT, NOBODY
from documents.reading.sandbox import ReaderFailed, Sandbox

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's means are Linux's")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

GRID = Grid(
    [
        Sheet(
            "Отчёт",
            [
                ["МБОУ «Школа»", 1, 1.0, True, None, 0.1 + 0.2, 10**20, float("inf")],
                [dt.datetime(2023, 9, 1, 7, 30, 0, 5), dt.datetime(2023, 9, 1, tzinfo=dt.UTC)],  # noqa: DTZ001
                [dt.date(2023, 9, 1), dt.time(7, 30), dt.timedelta(days=-1, hours=34)],
                [CellError("#REF!"), "\udce9.xls", "", '{"=": "CellError", "of": "x"}'],
            ],
            [Range(0, 1, 2, 3)],
            visible=False,
            hidden_rows=frozenset({3}),
            percents=frozenset({(1, 2), (3, 4)}),
        ),
        Sheet("Пусто", []),
    ],
    "xlsx",
    ("a note",),
    (Doubt("encoding", "cp1251"), Doubt("separator", "«;»", "«,»")),
)  # fmt: skip


@pytest.mark.parametrize(
    "found",
    [
        GRID, Table("Лист1", [["а", None]], ("a note",)), Refusal("corrupt", "why"), Failure(2, "No such file"),
        Mishap("x"), Ready(),
    ],
)  # fmt: skip
def test_an_answer_arrives_as_it_was_sent(found: Grid | Table | Refusal | Failure | Mishap | Ready) -> None:
    for is_last in (False, True):
        arrived = answer(encoded(Answer(found, is_last)))
        assert arrived == Answer(found, is_last)
        assert repr(arrived) == repr(Answer(found, is_last))
    if found is GRID and isinstance(arrived.found, Grid):
        kinds = [[type(cell) for cell in row] for row in arrived.found.sheets[0].rows]
        assert kinds == [[type(cell) for cell in row] for row in GRID.sheets[0].rows]


@pytest.mark.parametrize(
    "said",
    [
        b"", b"\x80\x04\x95", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"kind": "Grid"}',
        b'{"kind": "Path", "found": {}, "is_last": false}', b'{"kind": "Sandbox", "found": {}, "is_last": false}',
        b'{"kind": "Grid", "found": {"sheets": "x"}, "is_last": false}',
        b'{"kind": "Grid", "found": {"sheets": [{"name": 1}], "format": "", "notes": [], "doubts": []}, "is_last": 0}',
        b'{"kind": "Mishap", "found": {"text": {"=": "open", "of": "/etc/passwd"}}, "is_last": false}',
        b'{"kind": "Mishap", "found": {"text": "x", "more": 1}, "is_last": false}',
        b'{"kind": "Failure", "found": {"number": "2", "text": "x"}, "is_last": false}',
    ],
)  # fmt: skip
def test_what_is_no_answer_is_refused(said: bytes) -> None:
    with pytest.raises(Nonsense):
        answer(said)


def test_a_refusal_for_no_known_reason_is_nonsense() -> None:
    assert isinstance(raised(Refusal("corrupt", "why"), "a"), Unreadable)
    assert isinstance(raised(Failure(2, "gone"), "a"), FileNotFoundError)
    with pytest.raises(Nonsense):
        raised(Refusal("no such reason", "why"), "a")


# A reader that was taken over, and answers what it likes.
TAKEN_OVER = """
import os, pickle, struct, sys
LENGTH = struct.Struct("<Q")
class Evil:
    def __reduce__(self):
        return (os.system, ("touch {mark}",))
answers = {answers}
os.write(1, LENGTH.pack(len(ready := {ready!r})) + ready)
os.read(0, 1 << 16)
os.write(1, answers)
os.read(0, 1)
"""


@pytest.mark.parametrize(
    "answers",
    [
        "LENGTH.pack(len(d := pickle.dumps(Evil()))) + d",
        "LENGTH.pack(1 << 60)",
        "LENGTH.pack(2) + b'{}'",
        f"LENGTH.pack(len({encoded(Answer(Ready()))!r})) + {encoded(Answer(Ready()))!r}",
    ],
)
def test_a_reader_that_was_taken_over_runs_nothing_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: str
) -> None:
    (tmp_path / "a.csv").write_text("a;b\n1;2\n")
    mark = tmp_path / "mark"
    script = TAKEN_OVER.format(mark=mark, answers=answers, ready=encoded(Answer(Ready())))
    real = subprocess.Popen

    def taken_over(command: list[str], **options: object) -> subprocess.Popen[bytes]:
        return real([command[0], "-c", script], **options)  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr(sandbox_module.subprocess, "Popen", taken_over)
    with Sandbox(1) as made:
        with pytest.raises(ReaderFailed, match="is no answer"):
            made.open("a.csv", tmp_path / "a.csv")
        monkeypatch.undo()
        assert isinstance(made.open("a.csv", tmp_path / "a.csv"), Grid)  # by a new one
    assert not mark.exists()


def status(pid: int) -> dict[str, list[str]]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {line.split(":")[0]: line.split(":")[1].split() for line in lines}


@as_root
def test_root_gives_each_reader_an_account_of_its_own(tmp_path: Path) -> None:
    """The file and its folder are root's alone, as is the archive."""
    tmp_path.chmod(0o700)
    (tmp_path / "a.csv").write_text("a;b\n1;2\n")
    (tmp_path / "a.csv").chmod(0o600)
    with Sandbox(2) as made:
        for _ in range(4):
            assert isinstance(made.open("a.csv", tmp_path / "a.csv"), Grid)
        pids = [reader.start().popen.pid for reader in made._readers]
        for reader in made._readers:
            process = reader.start()
            if not process.is_ready:
                process._told(None, 60)
                process.is_ready = True
        for pid in pids:
            told = status(pid)
            assert told["Uid"] == told["Gid"] == [str(FIRST_ACCOUNT + pid)] * 4
            assert told["Groups"] == []
            assert told["NoNewPrivs"] == ["1"]
            assert {told[name][0].strip("0") for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {""}
            devices = Path(f"/proc/{pid}/net/dev").read_text().splitlines()[2:]
            assert [line.split(":")[0].strip() for line in devices] in ([], ["lo"])
            assert Path(f"/proc/{pid}/ns/net").stat().st_ino != Path("/proc/self/ns/net").stat().st_ino
    assert len({FIRST_ACCOUNT + pid for pid in pids}) == 2


# Tries what a file that has taken a reader over would try; the parent opens a port for it.
ATTEMPTS = """
import json, os, socket, sys
from pathlib import Path
import encodings.idna
from documents.reading.confinement import confine
port, secret = int(sys.argv[1]), sys.argv[2]
{before}
confine(1 << 30)
told = {{}}
def tried(name, work):
    try:
        work()
        told[name] = "worked"
    except Exception as error:
        told[name] = type(error).__name__
tried("connect", lambda: socket.create_connection(("127.0.0.1", port), 2))
tried("resolve", lambda: socket.getaddrinfo("example.org", 80))
tried("read a secret", lambda: Path(secret).read_text())
tried("become root", lambda: os.setuid(0))
tried("write far", lambda: os.ftruncate(os.open(sys.argv[3], os.O_RDWR | os.O_CREAT), 1 << 31))
print(json.dumps(told))
"""


AN_ORDINARY_USER = "os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)"


@pytest.mark.parametrize("before", ["", AN_ORDINARY_USER])
def test_a_taken_over_reader_reaches_nothing(tmp_path: Path, before: str) -> None:
    """Started by root, and by an ordinary user, who cannot change its account but can take its network away."""
    if before and os.geteuid() != 0:
        before = ""
    if before and subprocess.run(["unshare", "-Un", "true"], user=65534, group=65534, check=False).returncode:
        pytest.skip("the system lets no ordinary user have a network of its own")
    (tmp_path / "secret").write_text("x")
    (tmp_path / "secret").chmod(0o600)
    with socket.create_server(("127.0.0.1", 0)) as server:
        arguments = [str(server.getsockname()[1]), str(tmp_path / "secret"), str(tmp_path / "far")]
        command = [sys.executable, "-c", ATTEMPTS.format(before=before), *arguments]
        said = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    told = json.loads(said.stdout or said.stderr)
    assert told["connect"] == "OSError"
    assert told["resolve"] == "gaierror"
    assert told["write far"] != "worked"
    if os.geteuid() == 0:
        assert told["read a secret"] == "PermissionError"
        assert told["become root"] != "worked"


PAGE = """<html><meta charset="iso-8859-5"><body><table><tr><td>Школа</td><td>Учеников</td></tr>
<tr><td>МБОУ СОШ</td><td>15</td></tr></table></body></html>"""


def test_files_of_every_kind_are_read_as_they_are_without_rights(tmp_path: Path) -> None:
    """Whatever a reader imports late, for a code page or a large workbook, it can still import."""
    from documents.reading.read import read_grid

    texts = {
        "cp866.csv": "Школа;Учеников\nМБОУ Тестовая СОШ имени Героя;15\n".encode("cp866"),
        "koi8.csv": "Школа;Учеников\nМБОУ Тестовая СОШ имени Героя;15\n".encode("koi8-r"),
        "utf16.csv": "Школа\tУчеников\nМБОУ «Тестовая СОШ»\t15\n".encode("utf-16"),
        "iso.html": PAGE.encode("iso8859-5"),
    }
    with Sandbox(1) as made:
        for name, data in texts.items():
            (tmp_path / name).write_bytes(data)
            assert made.open(name, tmp_path / name) == read_grid(name, data)
        with xlsxwriter.Workbook(tmp_path / "large.xlsx", {"constant_memory": True}) as book:
            sheet = book.add_worksheet()
            for row in range(90_000):
                sheet.write_row(row, 0, [f"школа {row} {row * 7919}", f"ул. {row * 31}, д. {row}", row])
        assert made.open("large.xlsx", tmp_path / "large.xlsx").format == "xlsx"


# Reads files as where the installation is closed to the reader's account: what is not imported by then never will be.
CLOSED = """
import sys, tempfile
from pathlib import Path
from documents.reading.answers import Mishap, Request
from documents.reading.confinement import read_ahead
from documents.reading.sandbox_worker import opened
read_ahead()
class Closed:
    def find_spec(self, name, path=None, target=None):
        missed.add((name, file.name))
missed, file = set(), None
sys.meta_path.insert(0, Closed())
for file in sorted(each for folder in sys.argv[1:] for each in Path(folder).rglob("*.*") if each.is_file()):
    for whole in (False, True):
        with open(file, "rb") as opened_file, tempfile.TemporaryFile() as tables:
            found = opened(Request(file.name, whole), opened_file, tables)
        if isinstance(found, Mishap):
            missed.add((found.text, file.name))
print(sorted(missed))
"""


def test_no_reader_imports_anything_for_a_file(tmp_path: Path) -> None:
    """A saved web page was the one kind whose reader did, so that no such file could be read where Python is root's."""
    for encoding in ("base64", "quoted-printable", "7bit", "uuencode"):
        head = f"MIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: {encoding}\n\n"
        body = {"base64": base64.b64encode(PAGE.encode()).decode(), "7bit": "<table><tr><td>a<td>b</table>"}
        (tmp_path / f"{encoding}.mht").write_text(head + body.get(encoding, PAGE), encoding="utf-8")
    folders = [str(Path(__file__).parents[1] / "golden"), str(Path(__file__).parent / "files"), str(tmp_path)]
    done = subprocess.run([sys.executable, "-c", CLOSED, *folders], capture_output=True, text=True, check=False)
    assert done.stdout == "[]\n", done.stderr


# What a file is read by, for a user that is not root.
READ = """
import os, sys
from pathlib import Path
from documents.reading.sandbox import Sandbox
with Sandbox(1) as made:
    print(made.open("a.csv", Path(sys.argv[1])).sheets[0].rows)
    status = Path(f"/proc/{made._readers[0].start().popen.pid}/status").read_text()
    print([line.split()[1] for line in status.splitlines() if line.startswith(("Uid", "CapEff", "NoNewPrivs"))])
"""


@as_root
def test_an_ordinary_user_reads_as_well() -> None:
    interpreter = next((each for each in (sys.executable, "/usr/bin/python3") if serves_nobody(each)), None)
    if interpreter is None:
        pytest.skip("the interpreter is closed to others")
    folder = Path(tempfile.mkdtemp())
    try:
        folder.chmod(0o755)
        (folder / "a.csv").write_text("a;b\n1;2\n")
        (folder / "a.csv").chmod(0o644)  # whatever the umask that a command of ours left behind
        done = subprocess.run(
            [interpreter, "-c", READ, str(folder / "a.csv")], capture_output=True, text=True, check=False, cwd=folder,
            user=NOBODY, group=NOBODY, extra_groups=[], env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )  # fmt: skip
        expected = f"[['a', 'b'], ['1', '2']]\n['{NOBODY}', '0000000000000000', '1']\n"
        assert done.stdout == expected, done.stderr
    finally:
        shutil.rmtree(folder)


def serves_nobody(interpreter: str) -> bool:
    """Whether any user may run an interpreter of our version, and import what is installed for us."""
    script = f"import sys, polars, documents; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
    environment = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        return not subprocess.run(
            [interpreter, "-c", script], user=NOBODY, group=NOBODY, extra_groups=[], env=environment, check=False
        ).returncode
    except OSError:
        return False
