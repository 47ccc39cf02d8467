"""What names people lies sealed in the archive by the key of its academic year, as soon as it was read.

Before it is read nobody knows what a file is: until then it lies as it came, as it does in the inbox. A backup seals
such a file by the key of the year in which it came.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from flows.home.archived import is_kept, places_sealed_by, seal, unseal
from flows.home.faults import LOGGER, guarded
from flows.home.keyring import Keyring, keyring_of
from flows.home.pupil_key import keys_are_there
from flows.home.settings import Settings
from warehouse.watch.naming import years_of_naming

if TYPE_CHECKING:
    from sqlalchemy import Engine


def seal_archive(engine: Engine, settings: Settings) -> int:
    """Seal what names people and is not yet; how many files. What cannot be is logged, and tried again by whoever seals
    next: every run at its end, and each purge. Raises Fault where the keys of the warehouse are not there."""
    with engine.connect() as connection:
        years = years_of_naming(connection)
        if years:
            keys_are_there(connection, settings)
    keyring, done = keyring_of(settings), 0
    for place, year in years.items():
        path = settings.archive / place
        if is_kept(path):
            work = partial(seal, path, year, keyring, settings.archive)
            done += guarded("sealing a delivery", work, delivery=path.name) is True
    if done:
        LOGGER.info("sealed %d files that name people, or may", done)
    return done


def bring_out(engine: Engine, settings: Settings, keyring: Keyring, year: int) -> int:
    """Take from under the keys of a year, before they are destroyed, what is not to go with them: a file that a backup
    sealed before it was read, and that names nobody or is of another year. How many; raises Fault for one that cannot
    be opened."""
    with engine.connect() as connection:
        years = years_of_naming(connection)
    places = list(places_sealed_by(settings.archive, keyring.key_ids(year)))
    for path in places:
        of_year = years.get(path.relative_to(settings.archive).as_posix())
        if of_year is None:
            unseal(path, keyring, settings.archive)
        elif of_year != year:
            seal(path, of_year, keyring, settings.archive)
    return len(places)
