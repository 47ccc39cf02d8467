"""A night in figures: its tables, what disagrees, what was refused; as Markdown for Prefect."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from contracts.form import SEVERITIES
from contracts.forms import FORMS
from contracts.forms.titles import form_title
from contracts.regions.pack import Region
from contracts.texts.figures import percent, whole
from flows.intake.outcome import Outcome, first_failure
from warehouse.marts.definitions import Mart, marts, total_of
from warehouse.marts.published import mart
from warehouse.marts.stated import NightTable
from warehouse.watch.systems import System, systems_at

if TYPE_CHECKING:
    from sqlalchemy import Connection

Row = dict[str, Any]


@dataclass(frozen=True)
class Night:
    """What a night of a region came to. `dates` are the dates whose marts were published."""

    region: Region
    as_of: dt.date
    dates: tuple[dt.date, ...]
    outcomes: tuple[Outcome, ...]

    @property
    def verdicts(self) -> Counter[str]:
        """Verdict → how many deliveries; without one `waiting` for another form, or `failed`."""
        return Counter(outcome.result for outcome in self.outcomes if not outcome.is_gone)

    @property
    def waited_for(self) -> list[str]:
        """Forms without which some deliveries cannot be read."""
        return sorted({outcome.waits_for for outcome in self.outcomes if outcome.waits_for})

    @property
    def quarantined(self) -> int:
        """Rows set aside in all deliveries."""
        return sum(outcome.rows.quarantined for outcome in self.outcomes)

    @property
    def sentence(self) -> str:
        """The night in one English sentence."""
        verdicts = self.verdicts
        counts = ", ".join(f"{verdicts[name]} {name}" for name in ("accepted", "partial", "refused", "failed"))
        counts += f", {verdicts['held']} held" if verdicts["held"] else ""
        counts += f", {verdicts['waiting']} waiting for {', '.join(self.waited_for)}" if self.waited_for else ""
        why = first_failure(self.outcomes)
        sentence = f"{len(self.outcomes)} deliveries: {counts}; {self.quarantined} rows quarantined"
        return f"{sentence}; the first failure: {why}" if why else sentence


@dataclass(frozen=True)
class UnitTable:
    """A mart of reporting units of a date, as a night shows it (`shown`), and the region's line when a view has one."""

    mart: Mart
    shown: NightTable
    units: pl.DataFrame
    region: Row | None

    @property
    def band(self) -> str:
        """The column with the band of its rate."""
        return next(rate.band for rate in self.mart.stated.rates if rate.name == self.shown.rate[0])

    @property
    def rows(self) -> list[Row]:
        """The rows of the units."""
        return list(self.units.iter_rows(named=True))


@dataclass(frozen=True)
class Tables:
    """The tables of units of a date, the stated figures that disagree, what rows of printed summaries are beside ours,
    how many rows are set aside in what each sender sent last, and the systems of the source."""

    of_units: tuple[UnitTable, ...]
    disagreeing: pl.DataFrame
    printed: tuple[Printed, ...] = ()
    set_aside: int = 0
    systems: tuple[System, ...] = ()


@dataclass(frozen=True)
class Printed:
    """A printed summary whose total disagrees, beside our own figures: how many of its rows, and which differ."""

    title: str
    rows: int
    differ: tuple[str, ...]


def read_tables(connection: Connection, region: Region, as_of: dt.date) -> Tables:
    """The published figures of a region and date."""
    totals = mart(connection, "control_totals", as_of, region=region.code)
    return Tables(
        tuple(_unit_tables(connection, region, as_of)),
        totals.filter(pl.col("verdict") == "disagrees"),
        tuple(_printed(totals)),
        int(mart(connection, "delivery_health", as_of, region=region.code)["rows_quarantined"].sum() or 0),
        systems_at(connection, region.code, as_of),
    )


def _unit_tables(connection: Connection, region: Region, as_of: dt.date) -> Iterator[UnitTable]:
    """The tables that marts state for a night, by their places."""
    placed = [(each.stated.night.place, each.name, each.stated.night, each) for each in marts() if each.stated.night]
    for _, name, shown, each in sorted(placed, key=lambda place: place[:2]):
        total = total_of(each)
        line = _only_row(mart(connection, total.name, as_of, region=region.code)) if total else None
        yield UnitTable(each, shown, mart(connection, name, as_of, region=region.code), line)


def _printed(totals: pl.DataFrame) -> Iterator[Printed]:
    """Printed summaries in whose total something disagrees. Figures that a row only derives are its own affair."""
    wrong = totals.filter(pl.col("reporting_unit").is_null() & (pl.col("verdict") == "disagrees"))
    for form in FORMS:
        if form.owed is not None or form.name not in wrong["form"]:
            continue
        derived = [control.metric for control in form.row_controls]
        of_units = pl.col("reporting_unit").is_not_null() & pl.col("metric").is_in(derived).not_()
        own = totals.filter((pl.col("form") == form.name) & of_units)
        differ = own.filter(pl.col("verdict") == "disagrees")["reporting_unit_name"].unique(maintain_order=True)
        yield Printed(form.title, own["reporting_unit"].n_unique(), tuple(differ))


def _only_row(frame: pl.DataFrame) -> Row | None:
    return None if frame.is_empty() else frame.row(0, named=True)


def told(system: System) -> tuple[str, str, str, str, str]:
    """A system of which something is known, in words: its name, what is counted, how many of how many, which share, and
    what is missing."""
    counted = system.words.format(**{name: whole(value) for name, value in system.named.items()})
    missing = []
    if system.sent is not None and system.senders is not None and system.sent < system.senders:
        missing.append(f"нет {system.senders - system.sent} из {system.senders}")
    if system.lacks:
        missing.append(system.lacks_words.format(whole(system.lacks)))
    of = "—" if system.figure is None else f"{whole(system.figure)} из {whole(system.of)}"
    return system.name, counted, of, percent(system.rate), "; ".join(missing) or "—"


def silent(tables: Tables) -> list[str]:
    """A sentence on the systems of which nothing has come, if there are any."""
    empty = [system.name for system in tables.systems if not system.is_known]
    return [f"Данных нет: {', '.join(empty)}."] if empty else []


ABSENT = "«Нет 8 из 21» — столько отчётных единиц ещё не прислали форму, срок ей или нет; доля — по тем, кто прислал."


BAND_SIGNS = {"green": "🟢", "amber": "🟡", "red": "🔴", "no_data": "⚪"}


def markdown(night: Night, tables: Tables) -> str:
    """The night for Prefect's page: Russian tables for officers."""
    verdicts = night.verdicts
    severities = Counter(finding.severity for outcome in night.outcomes for finding in outcome.findings)
    totals = (
        f"Новых файлов {len(night.outcomes)}: приняты {verdicts['accepted']}, частично {verdicts['partial']}, "
        f"отклонены {verdicts['refused']}, ждут решения {verdicts['held']}, "
        f"сбой у нас {verdicts['failed']}{waiting_words(night)}. Строк в карантине: {night.quarantined}."
    )
    return "\n".join(
        [
            f"# {night.region.name}: мониторинг на {night.as_of:%d.%m.%Y}",
            "",
            totals,
            "",
            "| причин отклонения | ошибок | предупреждений | пометок |",
            "|---:|---:|---:|---:|",
            f"| {' | '.join(str(severities[severity]) for severity in SEVERITIES)} |",
            "",
            *(line for table in tables.of_units for line in (*_markdown_table(table), "")),
            *_markdown_systems(tables),
            f"Заявленных итогов, которые не сходятся: {tables.disagreeing.height}.",
        ]
    )


def waiting_words(night: Night) -> str:
    """How many deliveries wait for which forms, as the end of a list in Russian; empty when none does."""
    forms = ", ".join(f"«{form_title(form)}»" for form in night.waited_for)
    return f", ждут формы {forms} {night.verdicts['waiting']}" if forms else ""


def _markdown_systems(tables: Tables) -> list[str]:
    lines = ["## Системы мониторинга", "| Система | Что считается | Сколько | Доля | Чего нет | |"]
    lines.append("|---|---|---:|---:|---|---|")
    for system in tables.systems:
        if system.is_known:
            lines.append(f"| {' | '.join(told(system))} | {BAND_SIGNS.get(system.band or '', '')} |")
    return [*lines, "", *silent(tables), ""]


def _markdown_table(table: UnitTable) -> list[str]:
    shown = table.shown
    titles = [heading.replace("\n", " ") for _, heading in (*shown.figures, shown.rate)]
    lines = [
        f"## {shown.title}",
        f"| Отчётная единица | {' | '.join(titles)} | |",
        f"|---|{'---:|' * len(titles)}---|",
    ]
    rows: list[tuple[str, Row]] = [(row[table.mart.label], row) for row in table.rows]
    if table.region is not None:
        rows.append(("**Итого по региону**", table.region))
    for name, row in rows:
        figures = " | ".join(whole(row[column]) for column, _ in shown.figures)
        rate, band = percent(row[shown.rate[0]]), BAND_SIGNS.get(row[table.band], "")
        lines.append(f"| {name} | {figures} | {rate} | {band} |")
    return lines
