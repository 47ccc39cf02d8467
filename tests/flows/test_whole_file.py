"""A file is written whole or not at all; what the dead left is removed, what the living write is not."""

import errno
import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flows.home.whole_file import ABANDONED_SECONDS, link_as, new_file, replace, sweep, write

WRITER = """
import sys, time
from pathlib import Path
from flows.home.whole_file import new_file, write
with new_file(Path(sys.argv[1])) as (_, file):
    write(file, b"half")
    print("written", flush=True)
    time.sleep(600)
"""


def test_the_draft_of_a_living_process_stays_and_that_of_a_killed_one_goes(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as writer:
        assert writer.stdout
        assert writer.stdout.readline() == "written\n"
        sweep(tmp_path)
        (left,) = tmp_path.iterdir()
        assert left.read_bytes() == b"half"
        writer.kill()
        writer.wait()
        sweep(tmp_path)
        assert list(tmp_path.iterdir()) == []


def test_only_drafts_are_swept(tmp_path: Path) -> None:
    for name in (".register.parquet", ".0123456789abcde", "0123456789abcdef", ".0123456789abcdef0"):
        (tmp_path / name).write_bytes(b"kept")
    (tmp_path / ".0123456789abcdef").write_bytes(b"gone")
    sweep(tmp_path)
    assert len(list(tmp_path.iterdir())) == 4


def test_in_a_folder_of_several_machines_only_what_is_old_is_swept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A draft without a lock may be another machine's, which writes to it now; and a share may refuse all locks."""

    def refused(*_: object) -> None:
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(fcntl, "flock", refused)
    names = (".0123456789abcdef", ".fedcba9876543210")
    for name, age in zip(names, (3600.0, 2 * ABANDONED_SECONDS), strict=True):
        (tmp_path / name).write_bytes(b"half")
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    sweep(tmp_path, is_shared=True)
    replace(tmp_path / "whole", b"whole")
    assert {path.name for path in tmp_path.iterdir()} == {names[0], "whole"}


@pytest.mark.parametrize("fault", [errno.EPERM, errno.EMLINK])
def test_where_there_are_no_hard_links_a_file_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: int
) -> None:
    """And what becomes of one of the two does not become of the other."""
    there, path = tmp_path / "there", tmp_path / "below" / "path"
    there.write_bytes(b"figures")
    link_as(path, there, tmp_path)
    assert path.samefile(there)
    replace(path, b"of before")

    def refused(_: Path, target: Path) -> None:
        raise OSError(fault, os.strerror(fault), str(target))

    monkeypatch.setattr(Path, "hardlink_to", refused)
    link_as(path, there, tmp_path)
    assert path.read_bytes() == b"figures" and not path.samefile(there)
    with there.open("ab") as file:
        file.write(b" of tomorrow")
    assert path.read_bytes() == b"figures"
    assert {each.name for each in tmp_path.iterdir()} == {"there", "below"}, "no draft is left"


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    replace(path, b"before")
    with pytest.raises(OSError, match="disk"), new_file(tmp_path) as (made, file):
        write(file, b"aft")
        raise OSError("the disk is full")
    assert not made.exists()
    assert path.read_bytes() == b"before"
    replace(path, b"after")
    assert [each.read_bytes() for each in tmp_path.iterdir()] == [b"after"]
