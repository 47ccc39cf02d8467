"""Which process is the service of a home, and how to speak with it.

A kernel lock on `service.lock` tells whether one is alive, and a socket beside it answers questions: no list of pids
that could be stale. Its children share a lock on `service.children`, so that the next service waits for the last of
them to be gone.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypedDict

LOCK, CHILDREN, SOCKET = "service.lock", "service.children", "service.sock"


class ChildStatus(TypedDict):
    """A process of the service; `pid` is None while it is not there."""

    pid: int | None
    restarts: int


class ServiceStatus(TypedDict):
    """What a service answers: `phase` is ready, stopping or what it is starting; `since` is ISO, in UTC."""

    phase: str
    problem: str | None
    pid: int
    since: str
    port: int
    children: dict[str, ChildStatus]


def held(home: Path, name: str, seconds: float = 0.0) -> int | None:
    """Hold a lock of the home alone, trying for so long; the open file, or None when somebody else has it."""
    file = os.open(home / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return file
        except BlockingIOError:
            if time.monotonic() >= deadline:
                os.close(file)
                return None
            time.sleep(0.05)


def is_alive(home: Path, name: str = LOCK) -> bool:
    """Does somebody hold the lock?"""
    if not (home / name).exists():
        return False
    file = held(home, name)
    if file is None:
        return True
    os.close(file)
    return False


@contextmanager
def _address(home: Path) -> Iterator[str]:
    """The socket by a short path: the address of a socket has room for 107 bytes."""
    folder = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{SOCKET}"
    finally:
        os.close(folder)


def ask_service(home: Path, question: str) -> ServiceStatus | None:
    """What the service of a home answers; None when there is none, or it does not answer."""
    with suppress(OSError, ValueError), _address(home) as address, socket.socket(socket.AF_UNIX) as caller:
        caller.settimeout(10)
        caller.connect(address)
        caller.sendall(question.encode() + b"\n")
        with caller.makefile("rb") as answer:
            reply: ServiceStatus = json.loads(answer.readline())
            return reply
    return None


@contextmanager
def answering(home: Path, answer: Callable[[str], ServiceStatus]) -> Iterator[None]:
    """Answer questions within the block. Only the holder of the lock does, so a socket that lies there is stale."""
    (home / SOCKET).unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        with _address(home) as address:
            mask = os.umask(0o177)
            try:
                listener.bind(address)
            finally:
                os.umask(mask)
        listener.listen(8)
        threading.Thread(target=_answer_all, args=(listener, answer), daemon=True).start()
        try:
            yield
        finally:
            (home / SOCKET).unlink(missing_ok=True)
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)


def _answer_all(listener: socket.socket, answer: Callable[[str], ServiceStatus]) -> None:
    while True:
        try:
            caller, _ = listener.accept()
        except OSError:  # closed
            return
        with suppress(OSError), caller:
            caller.settimeout(5)
            with caller.makefile("rb") as question:
                caller.sendall(json.dumps(answer(question.readline().decode().strip())).encode() + b"\n")
