"""A process of the service: a module run as a program, which ends when the service does, even if that is killed."""

from __future__ import annotations

import os
import runpy
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

SHORTEST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
STEADY_SECONDS = 120.0


def end_with_parent() -> None:
    """Stop this process once its parent closes our standard input, or dies."""

    def wait() -> None:
        while os.read(0, 1):  # unbuffered: a lock on sys.stdin would be fatal when the interpreter ends
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()


def main() -> None:
    """Run `module argument…` as `python -m` would."""
    # A service started by a script with & has inherited that SIGINT is ignored; the worker then ignored SIGTERM too,
    # which Prefect sends itself again as SIGINT.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    end_with_parent()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


@dataclass
class Child:
    """A program of the service that is started again when it dies, sooner at first and then later."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    lock: int
    restarts: int = -1
    pause: float = SHORTEST_PAUSE
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    next_start: float = 0.0
    started: float = 0.0

    @property
    def pid(self) -> int | None:
        """Its process id, while it runs."""
        return self.process.pid if self.process is not None and self.process.poll() is None else None

    def look(self) -> str | None:
        """Start it if it is not there and its pause is over; says so when it has died."""
        now = time.monotonic()
        died = None
        if self.process is not None and (code := self.process.poll()) is not None:
            self.pause = SHORTEST_PAUSE if now - self.started > STEADY_SECONDS else min(self.pause * 2, LONGEST_PAUSE)
            self._forget()
            self.next_start = now + self.pause
            died = f"the {self.name} ended with {code}; started again in {self.pause:.0f} s"
        if self.process is None and now >= self.next_start:
            self.started = now
            self.restarts += 1
            self.process = subprocess.Popen(
                [sys.executable, "-m", "flows.service.child_process", *self.command],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.PIPE,
                pass_fds=(self.lock,),
                start_new_session=True,  # Ctrl-C is for the service, which tells its children
            )
        return died

    def stop(self, seconds: float) -> None:
        """Ask it to end, and kill it when it takes too long."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._forget()

    def _forget(self) -> None:
        if self.process is not None and self.process.stdin is not None:
            self.process.stdin.close()
        self.process = None


if __name__ == "__main__":
    main()
