"""`profmin doctor`: the laws asked of a live warehouse and of its archive."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from flows.home.archived import digest, is_kept, sealed_place
from flows.home.bi_database import replica_of, said_of
from flows.home.connection import warehouse
from flows.home.faults import Fault
from flows.home.json_output import write
from flows.home.keyring import keyring_of, lies_beside
from flows.home.progress import report
from flows.home.settings import Settings
from warehouse.schema.keys import run_that_goes_on, unnoted_years
from warehouse.schema.restricted import readers
from warehouse.watch.law import SHOWN, Law, archived, examined
from warehouse.watch.naming import years_of_naming


def examine(settings: Settings) -> list[Law]:
    """Every law, those of the archive last."""
    return examination(settings)[0]


def examination(settings: Settings) -> tuple[list[Law], list[str]]:
    """Every law, and who can read rows of pupils, as a line for each role."""
    with warehouse(settings) as engine, engine.connect() as connection:
        laws = list(examined(connection))
        deliveries = archived(connection)
        # A run seals at its end: until then what it has read lies open.
        bare = unnoted_years(connection)
        years = {} if run_that_goes_on(connection) else years_of_naming(connection)
        can_read = [f"{each.role} ({each.how}{'' if each.can_login else ', no login'})" for each in readers(connection)]
    wrong = list(_wrong_bytes(settings, deliveries))
    says = "The archive holds the bytes of each delivery under their sha256 until they are destroyed, and nothing else."
    open_ones = [
        (place.rsplit("/", 1)[-1][:8], f"lies open, and names people or may ({year}): the next run seals it")
        for place, year in years.items()
        if (settings.archive / place).exists()
    ]
    sealed = "While no run goes on, what names people, or may, lies sealed by the key of its academic year."
    wrapped = "The pseudonyms of each academic year with pupils are wrapped by a key that is noted."
    unwrapped = [(f"academic year {year}", "its pupils are wrapped by no key: the next run does it") for year in bare]
    asked = [
        *laws,
        Law("archive_holds_the_bytes", says, tuple(wrong[:SHOWN]), len(wrong)),
        Law("names_are_sealed", sealed, tuple(open_ones[:SHOWN]), len(open_ones)),
        Law("pupils_are_wrapped", wrapped, tuple(unwrapped[:SHOWN]), len(unwrapped)),
        *_of_replica(settings),
    ]
    return asked, can_read


def _of_replica(settings: Settings) -> Iterator[Law]:
    replica = replica_of(settings)
    if replica is not None:
        says = f"The replica for BI follows the warehouse, and is behind by {settings.bi_lag_seconds:.0f} s at most."
        wrong = () if replica.is_fit else (("PROFMIN_BI_DATABASE_URL", said_of(replica)[0]),)
        yield Law("replica_follows", says, wrong, len(wrong))


def _wrong_bytes(
    settings: Settings, deliveries: list[tuple[str, str, int, str, dt.datetime | None]]
) -> Iterator[tuple[str, str]]:
    """Deliveries whose bytes are missing, others, or there although they were destroyed, and files of the archive that
    no delivery knows."""
    archive, keyring, paths = settings.archive, keyring_of(settings), set()
    for number, (sha256, name, size, place, destroyed_at) in enumerate(deliveries, start=1):
        path = archive / place
        paths |= {path, sealed_place(path)}
        if destroyed_at is not None:
            if is_kept(path):
                yield f"{name} {sha256[:8]}", f"destroyed on {destroyed_at:%Y-%m-%d}, but there (again): profmin purge"
        elif not is_kept(path):
            yield f"{name} {sha256[:8]}", "the bytes are not in the archive"
        else:
            try:
                found = digest(path, keyring)
            except Fault as fault:
                yield f"{name} {sha256[:8]}", str(fault)
                continue
            if found != (sha256, size):
                yield f"{name} {sha256[:8]}", "the bytes in the archive are not those that came"
        report(number, len(deliveries))
    for path in sorted(archive.rglob("*")):
        if path.is_file() and path not in paths:
            yield path.relative_to(archive).as_posix(), "a file that belongs to no delivery"


def hash_of(path: Path) -> str:
    """The sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def show(laws: list[Law], can_read: list[str], settings: Settings, out: Console, *, as_json: bool) -> int:
    """Print what was found, and where the keys lie when that is no good place; 1 when a law is broken, else 0."""
    if as_json:
        document = [
            {"law": law.name, "says": law.says, "broken": law.times, "places": [list(place) for place in law.broken]}
            for law in laws
        ]
        write(document)
    else:
        for law in laws:
            mark = "[green]holds[/green]" if not law.times else f"[red]broken {law.times} times[/red]"
            out.print(f"{mark}  {law.says} [dim]({law.name})[/dim]")
            for place, wrong in law.broken:
                out.print(f"         {place}: {wrong}", markup=False)
        out.print(f"note   rows of pupils can be read by: {', '.join(can_read)}", markup=False)
        if beside := lies_beside(settings):
            out.print(f"note   {beside}", markup=False)
    return int(any(law.times for law in laws))
