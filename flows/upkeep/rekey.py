"""`profmin rekey`: new keys of the academic years, when the old ones may be known to somebody."""

from __future__ import annotations

import getpass
import sys

from flows.home.connection import warehouse
from flows.home.pupil_key import PupilSecrets
from flows.home.sealing import seal_archive
from flows.home.settings import Settings
from warehouse.schema.restricted import note_access


def show_rekeyed(settings: Settings) -> None:
    """Wrap all pseudonyms by new keys, in one transaction, then seal by them what is archived; say how many.

    Old keys stay, since older backups are sealed by them, until the year is destroyed. Raises Fault while a run goes
    on.
    """
    settings.prepare()
    with warehouse(settings) as engine:
        with engine.begin() as connection:
            note_access(connection, getpass.getuser(), "rekey")
        pupils = PupilSecrets(engine, settings).rotate()
        files = seal_archive(engine, settings)
    sys.stdout.write(f"{pupils} pupils have other pseudonyms, {files} files are sealed anew\n")
    sys.stdout.write("copy the folder of the keys, and take a new backup: older ones open with the old keys\n")
