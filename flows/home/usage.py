"""Wrong usage, told in one sentence."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from pathlib import Path

OFFICER, SENDER, ENGINEER, OPERATING = "Сотруднику мониторинга", "Отправителю", "Data engineer", "Operating the service"
"""Whom a command is for, as the help groups them; a command speaks the language of its users."""

WRONG_USAGE = 2
"""The exit code; those of deliveries are in `flows.intake.outcome`."""


class UsageError(Exception):
    """Somebody asked for what cannot be: the text says it in one sentence (exit code `WRONG_USAGE`).

    `russian` says the same where an officer's command may meet it; the command line speaks one language a command.
    """

    def __init__(self, text: str, russian: str | None = None) -> None:
        super().__init__(text)
        self.russian = russian or text


def day(text: str) -> dt.date:
    """A date as people type it. Raises UsageError."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{text!r} is not a date; write YYYY-MM-DD, for example 2023-09-08",
            f"«{text}» — не дата; пишите ГГГГ-ММ-ДД, например 2023-09-08",
        ) from None


def moment(text: str) -> dt.datetime:
    """A moment as people type it; without a zone it is in the region's time (`in_zone`). Raises UsageError."""
    try:
        parsed = dt.datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f'{text!r} is not a time; write "2023-09-08 21:00", in the region\'s time',
            f"«{text}» — не время; пишите «2023-09-08 21:00», по времени региона",
        ) from None
    if not any(mark in text for mark in ":Tt "):
        raise UsageError(
            f'{text!r} is a day, not a moment; write for example "{text} 21:00", in the region\'s time',
            f"«{text}» — день, а не время; пишите, например, «{text} 21:00», по времени региона",
        )
    return parsed


def in_zone(moment: dt.datetime, zone: dt.tzinfo) -> dt.datetime:
    """The moment; one that was given without a zone is what the clocks of `zone` show."""
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)


GENITIVE = {
    "form": "формы", "sender": "отправителя", "mart": "витрины", "format": "вида", "class": "класса",
    "outcome": "исхода", "unit": "отчётной единицы", "figure": "показателя",
    "campaign": "кампании", "recipient": "получателя",
}  # fmt: skip
"""What kind of name is unknown, in the Russian genitive."""


def must_be_known(names: Iterable[str], existing: Sequence[str], what: str) -> None:
    """Raises UsageError for a name that nobody has, with the names that there are."""
    for name in names:
        if name not in existing:
            there_are = ", ".join(existing)
            raise UsageError(
                f"no {what} is named {name!r}; there are: {there_are}",
                f"{GENITIVE[what]} «{name}» нет; есть: {there_are}",
            )


def write_anew(path: Path, data: bytes) -> None:
    """Write a file that is not there yet. Raises UsageError when it is, or cannot be written."""
    try:
        with path.open("xb") as file:
            file.write(data)
    except FileExistsError:
        raise UsageError(
            f"there is already a file {str(path)!r}; name another with --to",
            f"файл «{path}» уже есть; назовите другой: --to ФАЙЛ",
        ) from None
    except OSError as error:
        raise UsageError(
            f"{str(path)!r} cannot be written: {error.strerror}", f"файл «{path}» не записать: {error.strerror}"
        ) from None
