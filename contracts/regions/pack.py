"""A region: what its pack's `region.toml` says, and the tables beside it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from contracts.regions.pack_table import Line, PackFault, table_lines

FILE = "region.toml"
KEYS = ("code", "name", "time_zone", "language")
CODE = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")
LANGUAGES = ("ru",)
"""In which letters to senders are written."""


@dataclass(frozen=True)
class Region:
    """A region in force. `code` is the first two digits of its ОКТМО, `folder` its pack."""

    code: str
    name: str
    time_zone: str
    language: str
    folder: Path

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of its offices."""
        return ZoneInfo(self.time_zone)

    def lines(self, table: str) -> tuple[Line, ...]:
        """The lines of one of its tables. Raises PackFault."""
        return table_lines(self.folder, table)


def region_in(folder: Path) -> Region:
    """The region of a pack. Raises PackFault for the first thing that is wrong with its `region.toml`."""
    stated, faults = stated_in(folder)
    if faults:
        raise PackFault(faults[0])
    return Region(folder=folder, **stated)


def stated_in(folder: Path) -> tuple[dict[str, str], Sequence[str]]:
    """What the `region.toml` of a pack states, and what is wrong with it, a sentence each."""
    path = folder / FILE
    try:
        found = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        return {}, [f"{path}: такого файла нет; пакет региона начинается с него"]
    except OSError as error:
        return {}, [f"{path}: файл не открывается ({error.strerror})"]
    except UnicodeDecodeError:
        return {}, [f"{path}: буквы не в UTF-8; ожидается UTF-8"]
    except tomllib.TOMLDecodeError as error:
        return {}, [f'{path}: файл не читается ({error}); ожидаются строки вида name = "Томская область"']
    faults = [f'{path}: нет {key}; ожидается строка {key} = "…"' for key in KEYS if not _is_text(found.get(key))]
    faults += [f"{path}: {key} не известно; ожидаются {', '.join(KEYS)}" for key in found if key not in KEYS]
    if _is_text(found.get("code")) and not CODE.fullmatch(found["code"]):
        faults.append(f'{path}: code «{found["code"]}»; ожидаются цифры и латинские буквы, например "69"')
    if _is_text(found.get("time_zone")) and not _is_zone(found["time_zone"]):
        faults.append(
            f"{path}: такого часового пояса нет: «{found['time_zone']}»; ожидается имя вроде Europe/Kaliningrad"
        )
    if _is_text(found.get("language")) and found["language"] not in LANGUAGES:
        faults.append(f"{path}: language «{found['language']}»; ожидается {', '.join(LANGUAGES)}")
    return {key: found[key] for key in KEYS if _is_text(found.get(key))}, faults


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True
