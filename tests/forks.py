"""The command line in forks of a process that has imported everything, because an import takes two seconds.

A command has a process of its own all the same: its environment, its folder, its log, its exit code, and nothing that
it leaves in memory reaches the next one. The process works on nothing before a fork: polars has threads only after its
first work. A request is a line of JSON; the answer is one too, given when the fork has ended.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).parents[1]
PROGRAM = "import forks; forks.main()"


class Forks:
    """The process, seen from the tests; what commands say goes through two files in `folder`.

    `root` is where the project lies: a copy that a test has changed has a process of its own.
    """

    def __init__(self, folder: Path, root: Path = ROOT) -> None:
        self.out, self.err = folder / "out", folder / "err"
        paths = os.pathsep.join((str(root), str(ROOT / "tests")))
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM], cwd=folder, env=os.environ | {"PYTHONPATH": paths},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(
        self, arguments: Sequence[object], environment: Mapping[str, str], folder: Path
    ) -> subprocess.CompletedProcess[str]:
        """Run one command; like `subprocess.run` with the output captured as text."""
        command = [str(argument) for argument in arguments]
        request = {"arguments": command, "environment": dict(environment), "folder": str(folder),
                   "out": str(self.out), "err": str(self.err)}  # fmt: skip
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        code = int(self.process.stdout.readline())
        out, err = (path.read_text(encoding="utf-8") for path in (self.out, self.err))
        return subprocess.CompletedProcess(["profmin", *command], code, out, err)

    def __enter__(self) -> Forks:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(300)


def main() -> None:
    """Serve requests until the input ends."""
    warm()
    for line in sys.stdin:
        request = json.loads(line)
        process = os.fork()
        if process == 0:
            os.environ.clear()
            os.environ.update(request["environment"])
            os.chdir(request["folder"])
            ended(command, request["arguments"], request["out"], request["err"])
        _, status = os.waitpid(process, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def warm() -> None:
    """Import what commands import, and fill the caches that a fork would fill anew, without any work of polars."""
    import alembic.command  # noqa: F401 - it and the dialect are for the forks
    import sqlalchemy.dialects.postgresql.psycopg2  # noqa: F401
    from pandera.backends.polars.register import register_polars_backends

    import flows.backfills.report
    import flows.backfills.steps
    import flows.cli.app
    import flows.cli.demo
    import flows.cli.terminal
    import flows.intake.publishing
    import flows.intake.take_in
    import flows.runs.ingest
    from contracts.forms import FORMS
    from transforms.rows.contract import contract
    from warehouse.schema.upgrade import fingerprint

    register_polars_backends()
    fingerprint()
    flows.cli.app.commands()
    for form in FORMS:
        for edition in form.editions:
            contract(form, edition, with_register=True)
    gc.freeze()  # or each fork would copy every page on which a collection counts
    # A fork of a busy polars would wait for threads that it does not have.
    busy = [path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")]
    assert not any(name.startswith("polars-") and name[7:].isdigit() for name in busy), busy


def ended(work: Callable[..., None], *arguments: object) -> NoReturn:
    """Do what leaves by SystemExit, and end this process as an interpreter ends, but for taking everything apart: that
    touches, and so copies, each page that a fork shares."""
    code: object = 0
    try:
        work(*arguments)
    except SystemExit as leaving:
        code = leaving.code
    except BaseException:  # noqa: BLE001 - what ends an interpreter with a traceback
        traceback.print_exc()
        code = 1
    if isinstance(code, str):
        print(code, file=sys.stderr)
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


def command(arguments: Sequence[str], out: str, err: str) -> None:
    """Be `profmin` in this process, with nothing to read. Leaves by SystemExit, as it does."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    files = {name: os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600) for name in (out, err)}
    for target, source in ((0, nothing), (1, files[out]), (2, files[err])):
        os.dup2(source, target)
    sys.argv = ["profmin", *arguments]
    import flows.cli.app

    flows.cli.app.main()
