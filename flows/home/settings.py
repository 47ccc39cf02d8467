"""All settings of profmin, from the environment."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from contracts.regions import read_from, regions
from documents.reading.formats.limits import Limits
from flows.home.whole_file import sweep
from warehouse.server.listening import Listening

PUPIL_KEY_BYTES = 32
INBOX_MARK = ".profmin"
NO_SETTING = "PROFMIN_TIMEZONE"
"""Was one once; a region's own time zone is the only word now."""


FOLDERS = ("inbox", "archive", "outbox")
"""What of a home several machines have in common: each may be named by a setting."""


def _in_home(name: str) -> Callable[[dict[str, Any]], Path]:
    return lambda settings: Path(settings["home"]) / name


class Settings(BaseSettings):
    """Settings, each an environment variable with the prefix `PROFMIN_`."""

    model_config = SettingsConfigDict(env_prefix="PROFMIN_", env_ignore_empty=True)

    home: Path = Field(
        default=Path(".profmin"),
        description="Folder of everything kept on disk: inbox, archive, outbox, embedded database, keys, log.",
    )
    inbox: Path = Field(
        default_factory=_in_home("inbox"),
        description="Where files arrive, a folder a sender; of several machines one shared folder.",
    )
    archive: Path = Field(
        default_factory=_in_home("archive"),
        description="Bytes of every delivery, by sha256; of several machines one shared folder.",
    )
    outbox: Path = Field(
        default_factory=_in_home("outbox"),
        description="What goes back to the senders, a folder a sender; of several machines one shared folder.",
    )
    database_url: SecretStr | None = Field(
        default=None,
        description="Postgres to use instead of the embedded one: postgresql+psycopg2://user:password@host/database.",
    )
    bi_database_url: SecretStr | None = Field(
        default=None,
        description="A streaming replica of it, where marts, decks, reports and pages are read: postgresql+psycopg2://….",
    )
    bi_lag_seconds: float = Field(
        default=300,
        gt=0,
        description="By how many seconds the replica may be behind; beyond that the warehouse itself is read.",
    )
    pg_listen: Annotated[Listening, BeforeValidator(Listening.of)] | None = Field(
        default=None,
        description="Where the embedded Postgres listens for BI logins: 127.0.0.1:PORT; by default nowhere.",
    )
    workers: int = Field(
        default=2, ge=1, le=64, description="How many deliveries (or batches of small ones) a night works on at once."
    )
    dask: str | None = Field(
        default=None,
        pattern=r"^(local:[1-9][0-9]?|(tcp|tls)://\S+)$",
        description="Processes of Dask over which a very large night spreads its reading: local:N or tcp://HOST:PORT.",
    )
    reader_processes: int = Field(
        default=2, ge=1, le=64, description="How many processes open the files, each held to the limits below."
    )
    reader_memory_mb: int = Field(
        default=2048, ge=128, description="Memory of a reader process; a file that takes more is refused."
    )
    reader_seconds: float = Field(
        default=120, gt=0, description="Seconds for reading one file; one that takes longer is refused."
    )
    reader_cells: int = Field(
        default=10_000_000,
        ge=1,
        description="Filled cells of a sheet, and rows times columns up to the last of them; a larger one is refused.",
    )
    reader_unpacked_mb: int = Field(
        default=1024, ge=1, description="Unpacked size of a workbook or a zip archive; a larger one is refused."
    )
    sender_files: int = Field(
        default=5000,
        ge=1,
        description="Files of the inbox that are taken in of one sender in a day, those in zip archives counted.",
    )
    sender_mb: int = Field(
        default=10_240,
        ge=1,
        description="Their size, zip archives as they are and unpacked; what comes beyond waits for the next day.",
    )
    free_mb: int = Field(
        default=512,
        ge=0,
        description="Room that is left free on the disk of the archive; no file is taken in that would take it.",
    )
    umask: str = Field(
        default="077",
        pattern="^0?[0-7]{3}$",
        description="Which rights the files that profmin writes have not; 027 lets a group read receipts and messages.",
    )
    plan_days: int = Field(
        default=7,
        ge=1,
        description="How many days a planned backfill may be applied; after that it has to be planned anew.",
    )
    lock_seconds: float = Field(
        default=300,
        gt=0,
        description="How long a run waits for what another one is writing or publishing, before it gives up.",
    )
    regions: Path | None = Field(
        default=None,
        validate_default=True,
        description="Folder of region packs (units, senders, campaigns, time zone) in place of the shipped one.",
    )
    keyring: Path | None = Field(
        default=None,
        description="Folder outside the home for its keys: of pseudonyms, of academic years. By default keys/ in it.",
    )
    master_key: Path | None = Field(
        default=None, description="File of the key that locks those of years; by default master.key beside them."
    )
    prefect_database_url: SecretStr | None = Field(
        default=None,
        description="Postgres of the Prefect server, postgresql+asyncpg://…; by default its own database beside ours.",
    )
    prefect_port: int = Field(default=4200, ge=1, le=65535, description="Port of the Prefect server on loopback.")
    routing: Path | None = Field(
        default=None, description="Who is told what by which channel (CSV); by default routing.csv in the home."
    )
    smtp_url: SecretStr | None = Field(
        default=None,
        description="Mail server: smtp://user:password@host:587?from=address (smtps:// for TLS from the start).",
    )
    remind_days: str = Field(
        default="-3,-1,0,1",
        pattern=r"^-?\d+(,-?\d+)*$",
        description="On which working days around a deadline a sender is reminded.",
    )
    cool_down_days: int = Field(default=7, ge=1, description="After how many days an unchanged incident is told again.")
    escalate_days: int = Field(
        default=3, ge=1, description="After how many working days an open incident goes to the next contact."
    )
    nightly_hours: float = Field(
        default=25, gt=0, description="How old the last completed nightly run may be before somebody is woken."
    )
    silent_seconds: int = Field(
        default=90,
        ge=45,
        description="After how many seconds without a sign of life a run is called crashed; it gives one each 30 s.",
    )
    vouched_channels: str | None = Field(
        default=None,
        pattern=r"^(inbox|ingest)(,(inbox|ingest))*$",
        description="Channels whose file times are times of receipt: inbox, ingest (files named). Else our clock.",
    )
    content_names_sender: bool = Field(
        default=False,
        description="Whether a file in a folder that no sender owns, or in none, may say itself whose it is.",
    )
    settle_seconds: float = Field(
        default=1,
        ge=0,
        le=60,
        description="A file of the inbox that changed so recently is looked at twice, and left while it changes.",
    )
    keep_days: int = Field(
        default=400,
        ge=30,
        description="After how many days a purge removes texts of messages and receipts that lie in the outbox.",
    )
    scratch: Path | None = Field(
        default=None, description="Folder for rows of the last export while the next is read; by default the home."
    )
    pupil_days: int | None = Field(
        default=None,
        ge=0,
        description="How many days after an academic year a purge destroys files with names and pupils; else never.",
    )
    operator: str | None = Field(
        default=None, description="Name and address of the operator of personal data, for acts."
    )
    signing_key: Path | None = Field(
        default=None, description="File of an Ed25519 key (PEM) by which acts of destruction are signed; else unsigned."
    )
    alert_url: SecretStr | None = Field(
        default=None,
        description="Where Prefect's server itself tells of a late or missing night: http(s)://… or an Apprise URL.",
    )
    metrics_file: Path | None = Field(
        default=None, description="Where runs write Prometheus metrics (textfile); by default metrics.prom in the home."
    )
    site: Path | None = Field(
        default=None,
        description="Folder of the page, which each publication writes; without it only `profmin page` does.",
    )
    log_format: Literal["text", "json"] = Field(
        default="text",
        description="How the log is written: lines for people, or JSON documents with ids of run and delivery.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="warning",
        description="What the terminal shows of the log; the file profmin.log in the home keeps info and above.",
    )

    @field_validator("log_level", mode="before")
    @classmethod
    def _lower_case(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("database_url", "bi_database_url")
    @classmethod
    def _is_postgres(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            from warehouse.schema.upgrade import target

            target(value.get_secret_value())
        return value

    @field_validator("regions")
    @classmethod
    def _in_force(cls, value: Path | None) -> Path | None:
        """Packs of a folder are in force from here on: each process makes its settings before it asks for a region."""
        read_from(value)
        return value

    @model_validator(mode="after")
    def _no_other_time_zone(self) -> Settings:
        stated = os.environ.get(NO_SETTING)
        zones = [region.time_zone for region in regions()]
        if stated and stated not in zones:
            raise ValueError(
                f"{NO_SETTING} is {stated}, and the region's time zone is {', '.join(zones)}: region.toml of the "
                "region's folder alone says it; remove the variable"
            )
        return self

    @property
    def reader_limits(self) -> Limits:
        """What one file may take."""
        return Limits(
            self.reader_memory_mb << 20, self.reader_seconds, self.reader_cells, self.reader_unpacked_mb << 20
        )

    def vouches_for(self, channel: str) -> bool:
        """Are the times of a channel's files times of receipt?"""
        return channel in (self.vouched_channels or "").split(",")

    @property
    def lock_wait(self) -> dt.timedelta:
        """How long a run waits for a lock that another one holds."""
        return dt.timedelta(seconds=self.lock_seconds)

    @property
    def elsewhere(self) -> dict[str, Path]:
        """Of the folders of deliveries those that a setting names, where other machines may write too: also one that
        lies in the home, as it does on the machine whose home is the share."""
        return {name: getattr(self, name) for name in FOLDERS if name in self.model_fields_set}

    @property
    def messages(self) -> Path:
        """Messages that go to files, a folder an address."""
        return self.home / "messages"

    @property
    def pgdata(self) -> Path:
        """The embedded database."""
        return self.home / "pgdata"

    @property
    def acts(self) -> Path:
        """Acts of what was destroyed."""
        return self.home / "acts"

    @property
    def keys(self) -> Path:
        """Secrets of this home: the pupils' key, the password of Prefect's server."""
        return self.home / "keys"

    @property
    def register(self) -> Path:
        """The schools as last loaded, for `check` without a database."""
        return self.home / "register.parquet"

    @property
    def classes(self) -> Path:
        """The classes of schools as last listed, for templates without a database."""
        return self.home / "classes.parquet"

    @property
    def copies(self) -> tuple[Path, ...]:
        """What is known of the warehouse without it."""
        return self.register, self.classes

    @property
    def log_file(self) -> Path:
        """The log of all commands and runs."""
        return self.home / "profmin.log"

    def restrict(self) -> None:
        """Set the umask of this process and of those that it starts: files that they write are closed to others."""
        os.umask(int(self.umask, 8))

    def prepare(self) -> None:
        """Make the missing folders, archive and keys closed to others; remove what killed processes left in them.

        An inbox that was there once is not made anew: others put their files into the one that is gone.
        """
        self.restrict()
        self.home.mkdir(parents=True, exist_ok=True)
        if not self.archive.exists():
            self.make_inbox()
        for folder in (self.outbox, self.archive, self.keys):
            folder.mkdir(mode=0o777 if folder == self.outbox else 0o700, parents=True, exist_ok=True)
            sweep(folder, is_shared=folder in self.elsewhere.values())
        sweep(self.home)
        (self.scratch or self.home).mkdir(mode=0o700, parents=True, exist_ok=True)

    def make_inbox(self) -> None:
        """Make the inbox, with a mark by which an emptied one is told from a disk that is not mounted."""
        if not self.inbox.exists():
            self.inbox.mkdir(parents=True, exist_ok=True)
            (self.inbox / INBOX_MARK).touch()

    @property
    def pupil_key_file(self) -> Path:
        """The key under which pupils are told apart; `flows.home.pupil_key` makes it."""
        return (self.keyring or self.keys) / "pupil.key"


def stated_regions() -> Path | None:
    """The folder of packs that the environment names, whatever is wrong with it."""
    stated = os.environ.get("PROFMIN_REGIONS")
    return Path(stated) if stated else None
