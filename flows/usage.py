"""Wrong usage, told in one sentence."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from pathlib import Path

OFFICER, SENDER, ENGINEER, OPERATING = "Сотруднику мониторинга", "Отправителю", "Data engineer", "Operating the service"
"""Whom a command is for, as the help groups them; a command speaks the language of its users."""


class UsageError(Exception):
    """Somebody asked for what cannot be: the text says it in one sentence (exit code 2).

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
    """A moment as people type it, with its time zone. Raises UsageError."""
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is not a time; write for example 2023-09-08T21:00+07:00") from None
    if found.tzinfo is None:
        raise UsageError(f"{text!r} has no time zone; write for example 2023-09-08T21:00+07:00")
    return found


NOBODY = {
    "form": "формы", "sender": "отправителя", "mart": "витрины", "format": "вида", "class": "класса",
    "outcome": "исхода", "campaign": "кампании", "recipient": "получателя",
}  # fmt: skip
"""What it is that nobody has, in Russian."""


def must_be_known(named: Iterable[str], known: Sequence[str], what: str) -> None:
    """Raises UsageError for a name that nobody has, with the names that there are."""
    for each in named:
        if each not in known:
            there_are = ", ".join(known)
            raise UsageError(
                f"no {what} is named {each!r}; there are: {there_are}",
                f"{NOBODY[what]} «{each}» нет; есть: {there_are}",
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
