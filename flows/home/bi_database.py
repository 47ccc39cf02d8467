"""The way to where marts are read: the streaming replica of the settings, and the warehouse where there is none.

A replica that is away, behind or promoted is said, and the warehouse is read in its place; where that is away too, what
the replica has is better than nothing, and that is said as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from pydantic import SecretStr

from flows.home.connection import connected, is_brought_up, warehouse
from flows.home.faults import LOGGER
from flows.home.settings import Settings
from warehouse.server.replica import NO_ANSWER, Replica, caught_up, standing

if TYPE_CHECKING:
    from sqlalchemy import Engine

CONNECT_SECONDS = "5"
CATCH_UP_SECONDS = 30.0
"""How long a page waits for the replica to have what a night has just published."""
PROMOTED = (
    "is no standby: it was promoted, and follows nobody. If it is the warehouse now, name it in PROFMIN_DATABASE_URL",
    "больше не повторяет хранилище: её сделали главной. Если теперь она хранилище, укажите её в PROFMIN_DATABASE_URL",
)
OTHER_VERSION = (
    "has the tables of another version, or not yet those of this one",
    "содержит таблицы другой версии или ещё не получила таблицы этой",
)
SAYS = {
    "follows": ("follows the warehouse", "повторяет хранилище"),
    "behind": ("is too far behind the warehouse", "слишком отстаёт от хранилища"),
    "promoted": PROMOTED,
    "other_version": OTHER_VERSION,
    "away": ("does not answer", "не отвечает"),
}
"""What is said of a replica in each state, in English and in Russian."""
INSTEAD = ("; the warehouse itself is read", "; читаю само хранилище")
ALONE = (
    "; the warehouse does not answer, so figures are as the replica has them",
    "; само хранилище не отвечает, поэтому цифры такие, какие есть в копии",
)
Tell = Callable[[str, str], None]
"""Told a sentence in English and in Russian."""


def told_to_log(english: str, _russian: str) -> None:
    """For whoever has no terminal."""
    LOGGER.warning(english)


def said_of(replica: Replica) -> tuple[str, str]:
    """How a replica stands, in English and in Russian."""
    english, russian = SAYS[replica.state]
    if replica.seconds is not None:
        english, russian = f"{english} (by {replica.seconds:.0f} s)", f"{russian} (на {replica.seconds:.0f} с)"
    return f"the replica for BI {english}", f"копия для BI {russian}"


def replica_of(settings: Settings) -> Replica | None:
    """How the replica stands; None where the settings name none."""
    with ExitStack() as stack:
        return _asked(settings.bi_database_url, settings, stack)[0] if settings.bi_database_url else None


@contextmanager
def readable(settings: Settings, tell: Tell = told_to_log) -> Iterator[Engine]:
    """An engine on which marts are read. Raises as `warehouse` does, where there is no replica either."""
    with ExitStack() as stack:
        if settings.bi_database_url is None:
            yield stack.enter_context(warehouse(settings))
            return
        replica, engine = _asked(settings.bi_database_url, settings, stack)
        if replica.is_fit and engine is not None:
            yield engine
            return
        yield _instead(settings, stack, replica, engine, tell)


@contextmanager
def readable_after(settings: Settings, written: Engine) -> Iterator[Engine]:
    """The same for who has just written to the warehouse, by that engine, and reads what he wrote."""
    with ExitStack() as stack:
        if settings.bi_database_url is None:
            yield written
            return
        replica, engine = _asked(settings.bi_database_url, settings, stack)
        if replica.is_fit and engine is not None:
            if caught_up(engine, written, CATCH_UP_SECONDS):
                yield engine
                return
            replica = Replica("behind")
        told_to_log(said_of(replica)[0] + INSTEAD[0], "")
        yield written


def _asked(url: SecretStr, settings: Settings, stack: ExitStack) -> tuple[Replica, Engine | None]:
    """How the replica stands, and an engine on one that can be read."""
    setting = "PROFMIN_BI_DATABASE_URL"
    engine = stack.enter_context(connected(url.get_secret_value(), setting, connect_timeout=CONNECT_SECONDS))
    try:
        with engine.connect() as connection:
            found = standing(connection, settings.bi_lag_seconds)
            if not is_brought_up(connection):
                return Replica("other_version", found.seconds), None
            return found, engine
    except NO_ANSWER:
        return Replica("away"), None


def _instead(settings: Settings, stack: ExitStack, replica: Replica, engine: Engine | None, tell: Tell) -> Engine:
    english, russian = said_of(replica)
    try:
        found = stack.enter_context(warehouse(settings))
    except NO_ANSWER:
        if engine is None:
            raise
        tell(english + ALONE[0], russian + ALONE[1])
        return engine
    tell(english + INSTEAD[0], russian + INSTEAD[1])
    return found
