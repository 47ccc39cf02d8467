"""A measured piece of work in a process of its own, so that its peak memory is its own."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent


def measure(module: str, *arguments: object) -> dict[str, Any]:
    """Run `python -m module arguments` and return what it measured: seconds, peak_mib and its own figures."""
    done = subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def measured_whole(home: Path, *arguments: object) -> dict[str, Any]:
    """Run `python arguments` and return what it took from its start to its end: seconds, peak_mib of all so far."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *map(str, arguments)], cwd=ROOT, check=False, stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PROFMIN_HOME": str(home)},
    )  # fmt: skip
    seconds = time.perf_counter() - start
    if done.returncode in (1, 2):  # other codes say what became of the files
        raise RuntimeError(f"python {arguments} ended with code {done.returncode}")
    return {"seconds": seconds, "peak_mib": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024, "files": 1}


def report(work: Callable[[], dict[str, Any]]) -> None:
    """Do the work and print its figures as one line of JSON; neither seconds nor those of a core have the imports."""
    start, core = time.perf_counter(), time.process_time()
    figures = work()
    seconds = time.perf_counter() - start
    core = round(time.process_time() - core, 2)  # says more than the clock of a machine that others use
    status = Path("/proc/self/status").read_text()  # ru_maxrss would start at the size of the parent
    peak = int(status.split("VmHWM:")[1].split()[0]) / 1024
    print(json.dumps({"seconds": seconds, "peak_mib": peak, "core": core, **figures}))
