"""How a reader process gives up what it does not need, before it opens its first file.

The kernel holds it to its memory and lets it write no more than that; it gets no more rights by any program it starts.
Where the system lets it, it has no network, and where root started it, an account of its own that owns nothing.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import pkgutil
import signal
import sys
from contextlib import suppress
from pathlib import Path

try:
    import fcntl
    import resource
except ImportError:  # such a system leaves only the limit of time
    fcntl = resource = None  # type: ignore[assignment]

FIRST_ACCOUNT = 2_010_000_000
"""Readers get the accounts from here on by their process number: above what directories hand out to people, and each
has one that no other living process has, so that one reader cannot look into another."""
NOBODY = 65534
"""The account that is left where such large numbers are not mapped, as in a container without root's own rights."""
MOST_THREADS = 512
NEW_USER, NEW_NETWORK = 0x10000000, 0x40000000
NO_NEW_RIGHTS = 38
CAPABILITIES = 0x20080522
"""Version 3 of capset(2)."""
READ_LATE = ("_strptime", "heapq")
"""Modules that are imported when the first file needs them."""


def confine(memory: int) -> None:
    """Ask the kernel to hold this process to its memory and to leave no core. It lives as long as its parent does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if resource is not None:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        # Not the address space: allocators reserve far more of that than they use.
        for what in (resource.RLIMIT_DATA, resource.RLIMIT_FSIZE):
            _, most = resource.getrlimit(what)
            allowed = memory if most == resource.RLIM_INFINITY else min(memory, most)
            resource.setrlimit(what, (allowed, allowed))
    if sys.platform == "linux":
        give_up_rights()


def give_up_rights() -> None:
    """No network, an account of its own, no capabilities, no way back; each as far as the system lets it."""
    kernel = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() == 0:
        kernel.unshare(NEW_NETWORK)
        become_nobody()
    elif kernel.unshare(NEW_USER | NEW_NETWORK) == 0:
        # Whoever makes a space of users is root in it: not here.
        kernel.capset((ctypes.c_uint32 * 2)(CAPABILITIES, 0), (ctypes.c_uint32 * 6)())
    kernel.prctl(NO_NEW_RIGHTS, 1, 0, 0, 0)


def become_nobody() -> None:
    """Change from root to an account that owns nothing; stay who we are where that is not to be had."""
    if not open_to_all(Path(sys.prefix)) or not open_to_all(Path(os.__file__)):
        read_ahead()
    for account in (FIRST_ACCOUNT + os.getpid(), NOBODY):
        with suppress(OSError):
            os.setgroups([])
            os.setresgid(account, account, account)
            if account != NOBODY and resource is not None:
                resource.setrlimit(resource.RLIMIT_NPROC, (MOST_THREADS, MOST_THREADS))
            os.setresuid(account, account, account)
            return


def open_to_all(place: Path) -> bool:
    """Whether any account gets to a file or folder: not when it lies under /root."""
    return all(folder.stat().st_mode & 0o001 for folder in (place if place.is_dir() else place.parent, *place.parents))


def read_ahead() -> None:
    """Import what a file may need, since afterwards nothing can be: the installation is closed to other accounts."""
    import encodings

    names = [f"encodings.{module.name}" for module in pkgutil.iter_modules(encodings.__path__)]
    for name in (*names, *READ_LATE):
        with suppress(ImportError):  # code pages of Windows
            importlib.import_module(name)


def die_with_parent(lifeline: int) -> None:
    """Let the end of the parent end this process by SIGIO, even within native code.

    The lifeline is a pipe that nobody writes to, and that only closes. The pipe of the requests would not do: the
    signal of a request may come after the request was read.
    """
    if fcntl is not None:
        fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
