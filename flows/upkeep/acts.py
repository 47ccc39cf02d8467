"""`profmin acts`: the papers about what was destroyed, which have to be kept for three years; how they are signed.

A signature is Ed25519 over the bytes of the paper, in base64, in a file beside it (`.sig`). It shows that nobody
changed the paper since; a qualified signature (63-ФЗ) is put by the person who signs, with his own means.
"""

from __future__ import annotations

import base64
import datetime as dt
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from contracts.regions import zone_of
from flows.home.connection import warehouse
from flows.home.json_output import plain, write
from flows.home.settings import Settings
from flows.home.usage import UsageError
from flows.home.whole_file import replace
from warehouse.watch.destruction import acts

YEARS_KEPT = 3
"""Order 179, section 8."""
SUFFIX = ".sig"
SIGNED = {
    "signed": "подпись верна", "unsigned": "не подписан", "changed": "ИЗМЕНЁН после подписи",
    "unknown": "подписан, ключа нет", "gone": "НЕТ ФАЙЛА",
}  # fmt: skip


@dataclass(frozen=True)
class Paper:
    """An act with its extract: what it attests, until when it is kept, and how it stands with its file."""

    name: str
    destroyed_at: dt.datetime
    deliveries: int
    pupil_rows: int
    reason: str
    keep_until: dt.date
    state: str


def sign(settings: Settings, paper: Path) -> None:
    """Put the signature beside a paper, if there is a key. Raises UsageError for one that is none."""
    key = _key(settings)
    if key is not None:
        signature = base64.b64encode(key.sign(paper.read_bytes())) + b"\n"
        replace(paper.with_name(paper.name + SUFFIX), signature, settings.home)


def papers(settings: Settings) -> list[Paper]:
    """Every act, the newest first."""
    zone = zone_of(None)
    with warehouse(settings) as engine, engine.connect() as connection:
        found = acts(connection)
    return [
        Paper(act.name, act.destroyed_at.astimezone(zone), act.deliveries, act.pupil_rows, act.reason,
              _years_later(act.destroyed_at.astimezone(zone).date()), _state(settings, settings.acts / act.name))
        for act in found
    ]  # fmt: skip


def show_acts(settings: Settings, today: dt.date, *, as_json: bool) -> int:
    """Print the papers; 1 when one that has to be kept is gone or was changed after it was signed, else 0."""
    found = papers(settings)
    if as_json:
        write([plain(asdict(paper)) for paper in found])
    for paper in () if as_json else found:
        sys.stdout.write(
            f"{settings.acts / paper.name}\n"
            f"  уничтожено {paper.destroyed_at:%d.%m.%Y %H:%M}: файлов {paper.deliveries}, "
            f"строк о людях {paper.pupil_rows}; хранить до {paper.keep_until:%d.%m.%Y}; {SIGNED[paper.state]}\n"
        )
    if not found and not as_json:
        sys.stdout.write("ничего не уничтожалось, актов нет\n")
    return int(any(paper.state in ("gone", "changed") and today <= paper.keep_until for paper in found))


def _key(settings: Settings) -> Ed25519PrivateKey | None:
    if settings.signing_key is None:
        return None
    try:
        key = load_pem_private_key(settings.signing_key.read_bytes(), None)
    except (OSError, ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(
            f"PROFMIN_SIGNING_KEY: {str(settings.signing_key)!r} is no Ed25519 key in PEM without password"
        )
    return key


def _state(settings: Settings, paper: Path) -> str:
    signature = paper.with_name(paper.name + SUFFIX)
    if not paper.exists():
        return "gone"
    if not signature.exists():
        return "unsigned"
    key = _key(settings)
    if key is None:
        return "unknown"
    try:
        key.public_key().verify(base64.b64decode(signature.read_bytes()), paper.read_bytes())
    except (InvalidSignature, ValueError):
        return "changed"
    return "signed"


def _years_later(day: dt.date) -> dt.date:
    """The last day of keeping; of 29 February the 28th."""
    last = day.replace(day=min(day.day, 28)) if (day.month, day.day) == (2, 29) else day
    return last.replace(year=day.year + YEARS_KEPT)
