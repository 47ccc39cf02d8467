"""`profmin freshness`: was there a night, asked of the warehouse alone. A dead scheduler says nothing; this does."""

from __future__ import annotations

import datetime as dt
import json
import sys
from dataclasses import asdict, dataclass
from typing import Any
from zoneinfo import ZoneInfo

from flows.home.connection import existing_database
from flows.home.settings import Settings
from flows.home.usage import UsageError
from warehouse.incidents.condition import conditions
from warehouse.server.embedded import ServerError
from warehouse.watch.ages import STALE, Ages, Export, NoAnswer, ages, newest_revision, only_looking, revision

LOOK = "profmin status"


@dataclass(frozen=True)
class Freshness:
    """Whether the service did its work lately, in one English sentence; `ages` is None when nobody could be asked."""

    fresh: bool
    sentence: str
    now: dt.datetime
    ages: Ages | None = None

    @property
    def stale_exports(self) -> tuple[Export, ...]:
        """Exports that are too old, or never came."""
        return tuple(each for each in self.ages.exports if is_stale(each)) if self.ages else ()

    def document(self) -> dict[str, Any]:
        """One JSON document; times in UTC."""
        found: dict[str, Any] = {"fresh": self.fresh, "sentence": self.sentence, "now": self.now}
        if self.ages is not None:
            found |= asdict(self.ages)
            found["exports"] = [asdict(each) | {"is_stale": is_stale(each)} for each in self.ages.exports]
        return {name: _plain(value) for name, value in found.items()}


def is_stale(export: Export) -> bool:
    """Is it older than the incident allows? It is its sender's matter and wakes nobody."""
    return export.nights > conditions()[STALE].thresholds["nights"]


def freshness(settings: Settings, now: dt.datetime) -> Freshness:
    """Ask the warehouse when its last night was and when it last published. Changes nothing, upgrades nothing.

    The embedded server is started when it does not run: between commands it never does. Raises UsageError for a URL
    that cannot be one; whatever else is wrong makes it not fresh.
    """
    try:
        with existing_database(settings) as url:
            if url is None:
                return Freshness(False, f"not fresh: there is no warehouse in {settings.home} ({LOOK})", now)
            with only_looking(url) as connection:
                found = revision(connection)
                if found is None:
                    return Freshness(False, "not fresh: the database holds no warehouse (profmin db upgrade)", now)
                if found < newest_revision():
                    behind = f"not fresh: the warehouse is at migration {found}, this version needs {newest_revision()}"
                    return Freshness(False, f"{behind} (profmin db upgrade)", now)
                return judged(ages(connection, now.astimezone(ZoneInfo(settings.timezone)).date()), settings, now)
    except ValueError as error:  # its text is about the driver; the password is masked
        raise UsageError(f"PROFMIN_DATABASE_URL: {error}") from None
    except (NoAnswer, ServerError) as error:
        said = str(error).split("\n", 1)[0]
        return Freshness(False, f"not fresh: the database cannot be asked: {said} ({LOOK})", now)


def judged(found: Ages, settings: Settings, now: dt.datetime) -> Freshness:
    """What the ages of everything mean at a moment."""
    limit = dt.timedelta(hours=settings.nightly_hours)
    wrong = []
    if found.completed_at is None:
        wrong.append("no nightly run was ever completed")
    elif now - found.completed_at > limit:
        wrong.append(f"the last nightly run was completed {ago(now - found.completed_at)} ago")
    if found.published_at is None:
        wrong.append("no mart was ever published")
    elif now - found.published_at > limit:
        wrong.append(f"marts were last published {ago(now - found.published_at)} ago")
    if wrong or found.completed_at is None or found.published_at is None:
        if found.started_at is not None and found.state is not None and not found.state.startswith("completed"):
            wrong.append(f"run {found.run_id} began {ago(now - found.started_at)} ago and is {found.state}")
        look = f"profmin logs {found.run_id}" if found.state == "failed" else LOOK
        sentence = f"not fresh: {'; '.join(wrong)}; allowed are {settings.nightly_hours:g} h ({look})"
        return Freshness(False, sentence, now, found)
    sentence = (
        f"fresh: the night of {found.completed_for} was completed {ago(now - found.completed_at)} ago, "
        f"marts were published {ago(now - found.published_at)} ago"
    )
    old = [export for export in found.exports if is_stale(export)]
    if old:
        told = (f"{each.form} of {each.sender} is of {each.as_of or 'no night'}" for each in old)
        sentence += f"; exports are missing: {', '.join(told)} ({LOOK})"
    return Freshness(True, sentence, now, found)


def ago(age: dt.timedelta) -> str:
    hours = age.total_seconds() / 3600
    return f"{hours * 60:.0f} min" if hours < 1 else f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.0f} days"


def show_freshness(settings: Settings, now: dt.datetime, *, as_json: bool) -> int:
    """Print one line or one JSON document; 0 when it is fresh, else 1."""
    found = freshness(settings, now)
    said = json.dumps(found.document(), ensure_ascii=False, indent=2) if as_json else found.sentence
    sys.stdout.write(said + "\n")
    return 0 if found.fresh else 1


def _plain(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat()
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value
