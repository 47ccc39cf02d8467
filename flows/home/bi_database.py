"""The way to where marts are read: the streaming replica of the settings, and the warehouse where there is none.

A replica that is away, behind, promoted or refuses is said, and the warehouse is read in its place; where that is away
too, what the replica has is better than nothing, and that is said as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import SecretStr

from flows.home.connection import connected, is_brought_up, warehouse
from flows.home.faults import LOGGER
from flows.home.settings import Settings
from warehouse.server.replica import NO_ANSWER, NOT_TOLD, Replica, caught_up, standing, state_of, written_by

if TYPE_CHECKING:
    from sqlalchemy import Engine

CONNECT_SECONDS = "5"
CATCH_UP_SECONDS = 30.0
"""How long a page waits for the replica to have what a night has just published."""
PROMOTED = (
    "is no standby: it was promoted, and follows nobody. If it is the warehouse now, name it in PROFMIN_DATABASE_URL",
    "больше не повторяет хранилище: её сделали главной. Если теперь она хранилище, укажите её в PROFMIN_DATABASE_URL",
)
REFUSES = (
    "refuses what profmin asks of it: name the login of PROFMIN_DATABASE_URL in PROFMIN_BI_DATABASE_URL, not one of BI",
    "отказывает: укажите в PROFMIN_BI_DATABASE_URL пользователя из PROFMIN_DATABASE_URL, а не учётную запись BI",
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
    "refuses": REFUSES,
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
        by, on = f"by {replica.seconds:.0f} s", f"на {replica.seconds:.0f} с"
        if replica.missing:
            by, on = f"{by}, {replica.missing / 1e6:.1f} MB", f"{on}, {replica.missing / 1e6:.1f} МБ".replace(".", ",")
        english, russian = f"{english} ({by})", f"{russian} ({on})"
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
            replica = _awaited(engine, written)
        if replica.is_fit and engine is not None:
            yield engine
            return
        told_to_log(said_of(replica)[0] + INSTEAD[0], "")
        yield written


def _awaited(engine: Engine, written: Engine) -> Replica:
    """How a replica stands once it had time to get what was just written."""
    try:
        return Replica("follows" if caught_up(engine, written, CATCH_UP_SECONDS) else "behind")
    except NOT_TOLD as error:
        return Replica(state_of(error))


def _asked(url: SecretStr, settings: Settings, stack: ExitStack) -> tuple[Replica, Engine | None]:
    """How the replica stands, and an engine on one that can be read."""
    setting = "PROFMIN_BI_DATABASE_URL"
    engine = stack.enter_context(connected(url.get_secret_value(), setting, connect_timeout=CONNECT_SECONDS))
    written = _written(settings)
    try:
        with engine.connect() as connection:
            found = standing(connection, settings.bi_lag_seconds, written)
            if not is_brought_up(connection):
                return replace(found, state="other_version"), None
            return found, engine
    except NOT_TOLD as error:
        return Replica(state_of(error)), None


def _written(settings: Settings) -> str | None:
    """How far the log of the warehouse has come; None where it does not answer. None is started for it."""
    if settings.database_url is None:
        return None
    url, setting = settings.database_url.get_secret_value(), "PROFMIN_DATABASE_URL"
    with connected(url, setting, connect_timeout=CONNECT_SECONDS) as engine:
        try:
            return written_by(engine)
        except NOT_TOLD:
            return None


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
