"""`profmin freshness`: was there a night, asked of the warehouse alone. A dead scheduler says nothing; this does."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from contracts.regions import region_of
from contracts.regions.pack import Region
from flows.home.asked_region import asked_regions
from flows.home.connection import existing_database
from flows.home.json_output import Document
from flows.home.settings import Settings
from flows.home.usage import UsageError
from warehouse.incidents.condition import conditions
from warehouse.server.embedded import ServerError
from warehouse.watch.ages import STALE, Ages, Export, NoAnswer, ages, newest_revision, only_looking, revision

LOOK = "profmin status"


@dataclass(frozen=True)
class Freshness:
    """Whether the service did its work for a region lately, in one English sentence; `ages` is None when nobody could
    be asked, and then `region` is None too."""

    fresh: bool
    sentence: str
    now: dt.datetime
    ages: Ages | None = None
    region: str | None = None

    def document(self) -> Document:
        """One JSON document; times in UTC."""
        document: Document = {"fresh": self.fresh, "sentence": self.sentence, "now": self.now}
        if self.ages is not None:
            document |= {"region": self.region, **asdict(self.ages)}
            document["exports"] = [asdict(export) | {"is_stale": is_stale(export)} for export in self.ages.exports]
        return {name: _plain(value) for name, value in document.items()}


def is_stale(export: Export) -> bool:
    """Is it older than the incident allows? It is its sender's matter and wakes nobody."""
    return export.nights > conditions()[STALE].thresholds[region_of(export.sender).code]["nights"]


def all_fresh(answers: Sequence[Freshness]) -> Freshness:
    """What is said of each region in one answer; of one alone what is said of it."""
    if len(answers) == 1:
        return answers[0]
    wrong = [answer for answer in answers if not answer.fresh]
    told = "; ".join(f"{answer.region}: {answer.sentence}" for answer in wrong or answers)
    return Freshness(not wrong, told, answers[0].now)


def freshness(settings: Settings, now: dt.datetime, regions: Sequence[Region]) -> list[Freshness]:
    """Ask the warehouse when the last night of each region was and when it was last published; one answer where nobody
    can be asked. Changes nothing, upgrades nothing.

    The embedded server is started when it does not run: between commands it never does. Raises UsageError for a URL
    that cannot be one; whatever else is wrong makes it not fresh.
    """
    try:
        with existing_database(settings) as url:
            if url is None:
                return [Freshness(False, f"not fresh: there is no warehouse in {settings.home} ({LOOK})", now)]
            with only_looking(url) as connection:
                applied = revision(connection)
                if applied is None:
                    return [Freshness(False, "not fresh: the database holds no warehouse (profmin db upgrade)", now)]
                if applied < newest_revision():
                    behind = (
                        f"not fresh: the warehouse is at migration {applied}, this version needs {newest_revision()}"
                    )
                    return [Freshness(False, f"{behind} (profmin db upgrade)", now)]
                asked = {
                    region.code: ages(connection, region.code, now.astimezone(region.zone).date()) for region in regions
                }
                return [_judged_by_age(code, last, settings, now) for code, last in asked.items()]
    except ValueError as error:  # its text is about the driver; the password is masked
        raise UsageError(f"PROFMIN_DATABASE_URL: {error}") from None
    except (NoAnswer, ServerError) as error:
        reason = str(error).split("\n", 1)[0]
        return [Freshness(False, f"not fresh: the database cannot be asked: {reason} ({LOOK})", now)]


def _judged_by_age(region: str, last: Ages, settings: Settings, now: dt.datetime) -> Freshness:
    """Are these ages of a region fresh at a moment, and in what words?"""
    limit = dt.timedelta(hours=settings.nightly_hours)
    wrong = []
    if last.completed_at is None:
        wrong.append("no nightly run was ever completed")
    elif now - last.completed_at > limit:
        wrong.append(f"the last nightly run was completed {_duration(now - last.completed_at)} ago")
    if last.published_at is None:
        wrong.append("no mart was ever published")
    elif now - last.published_at > limit:
        wrong.append(f"marts were last published {_duration(now - last.published_at)} ago")
    if wrong or last.completed_at is None or last.published_at is None:
        if last.started_at is not None and last.state is not None and not last.state.startswith("completed"):
            wrong.append(f"run {last.run_id} began {_duration(now - last.started_at)} ago and is {last.state}")
        look = f"profmin logs {last.run_id}" if last.state == "failed" else LOOK
        sentence = f"not fresh: {'; '.join(wrong)}; allowed are {settings.nightly_hours:g} h ({look})"
        return Freshness(False, sentence, now, last, region)
    sentence = (
        f"fresh: the night of {last.completed_for} was completed {_duration(now - last.completed_at)} ago, "
        f"marts were published {_duration(now - last.published_at)} ago"
    )
    old = [export for export in last.exports if is_stale(export)]
    if old:
        missing = (f"{export.form} of {export.sender} is of {export.as_of or 'no night'}" for export in old)
        sentence += f"; exports are missing: {', '.join(missing)} ({LOOK})"
    return Freshness(True, sentence, now, last, region)


def _duration(age: dt.timedelta) -> str:
    hours = age.total_seconds() / 3600
    return f"{hours * 60:.0f} min" if hours < 1 else f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.0f} days"


def show_freshness(settings: Settings, now: dt.datetime, region: str | None, *, as_json: bool) -> int:
    """Print one line or one JSON document; 0 when it is fresh, else 1. Without a region all that are in force are
    asked, and a document of several has one of each in `regions`."""
    answers = freshness(settings, now, asked_regions(region))
    answer = all_fresh(answers)
    document = answer.document()
    if len(answers) > 1:
        document["regions"] = [each.document() for each in answers]
    text = json.dumps(document, ensure_ascii=False, indent=2) if as_json else answer.sentence
    sys.stdout.write(text + "\n")
    return 0 if answer.fresh else 1


def _plain(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat()
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value
