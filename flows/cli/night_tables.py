"""A night on the terminal: its tables, what disagrees, what was refused, and where things are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import polars as pl
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from contracts.rules import HOLDS
from contracts.texts import in_words
from contracts.texts.figures import percent, whole
from documents.receipts.findings import figure_title
from flows.cli.terminal import NOTHING_NEW, outcome_sentence
from flows.home.settings import Settings
from flows.runs.summary import ABSENT, Night, Printed, Row, Tables, UnitTable, silent, told, waiting_words

COLOURS = {"green": "green", "amber": "yellow", "red": "red", "no_data": "dim"}
GAP_MARK = "*"
NARROW = 100


def show_night(out: Console, night: Night, tables: Tables, settings: Settings) -> None:
    """The tables of units, the stated figures that disagree, refused deliveries, and where things are."""
    narrow = out.width < NARROW
    for table in tables.of_units:
        out.print(_by_unit(table, night, narrow=narrow))
        out.print()
    if any(system.is_known for system in tables.systems):
        out.print(_systems(tables, night))
        for sentence in silent(tables):
            out.print(Text(sentence, "dim"))
        out.print()
    if not tables.disagreeing.is_empty():
        out.print(_disagreeing_table(tables.disagreeing, narrow=narrow))
        for summary in tables.printed:
            out.print(Text(_beside_ours(summary), "dim"))
        out.print()
    verdicts = Counter(outcome.verdict for outcome in night.outcomes)
    totals = (
        f"Новых файлов {len(night.outcomes)}: принято {verdicts['accepted']}, частично {verdicts['partial']}, "
        f"отклонено {verdicts['refused']}{_count_waiting(verdicts['held'])}{waiting_words(night)}. "
        f"Строк в карантине: {night.quarantined}."
    )
    out.print(totals if night.outcomes else NOTHING_NEW)
    for outcome in night.outcomes:
        if outcome.verdict in ("refused", "held", None):
            why = next(
                (
                    finding.message
                    for finding in outcome.findings
                    if finding.severity == "refuse" or finding.rule in HOLDS
                ),
                "",
            )
            text = outcome_sentence(outcome)
            out.print(f"  {text.removesuffix('.')}. {escape(why)}" if why else f"  {text}")
    _show_places(out, settings)


def _count_waiting(count: int) -> str:
    """How many deliveries wait for a decision, if any, and how they are looked at."""
    return f", ждут решения {count} (profmin deliveries list)" if count else ""


def _beside_ours(summary: Printed) -> str:
    """What is known of a printed total that disagrees: in which rows, and that schools are not named."""
    if summary.differ:
        rows = f"с нашими данными расходятся строки: {', '.join(summary.differ)}"
    else:
        rows = f"все её строки ({summary.rows}) совпадают с нашими данными, расходится только «Итого»"
    return f"{summary.title}: {rows}. Каких школ это касается, сводная не называет."


def _show_places(out: Console, settings: Settings) -> None:
    """Where to look further: commands and folders."""
    places = [
        ("витрины", "profmin mart readiness_by_school --format xlsx > школы.xlsx"),
        ("поправки", "profmin mart corrections   (что изменилось в уже опубликованном, по какому документу)"),
        ("инциденты", "profmin incidents   (что не так и с каких пор)"),
        ("SQL", "profmin db psql   (например: SELECT * FROM mart.readiness_by_municipality_latest;)"),
        ("квитанции", f"{settings.outbox}   (папка отправителя, квитанция на каждый файл)"),
        ("сообщения", f"profmin messages   (кому что сказано; без routing.csv — в файлы {settings.messages})"),
        ("входящие", str(settings.inbox)),
        ("архив", str(settings.archive)),
        ("журнал", str(settings.log_file)),
    ]
    for name, place in places:
        out.print(Text(f"  {name:<10} {place}"), soft_wrap=True)


def _by_unit(shown: UnitTable, night: Night, *, narrow: bool) -> Table:
    """A table of reporting units, with the region below."""
    table = _ruled(f"{shown.shown.title} на {night.as_of:%d.%m.%Y}")
    table.add_column("Отчётная единица", no_wrap=True, overflow="ellipsis")
    region = [shown.region] if shown.region else []
    for column, heading in shown.shown.figures:
        _add_figures(table, heading, [whole(row[column]) for row in (*shown.rows, *region)])
    rate, heading = shown.shown.rate
    _add_figures(table, heading, [percent(row[rate]) for row in (*shown.rows, *region)])
    table.add_column("Полоса", no_wrap=True, min_width=7 if region else len("нет данных"))
    for row in shown.rows:
        name = shorter(row[shown.mart.label]) if narrow else row[shown.mart.label]
        table.add_row(name, *_figures(shown, row))
    for row in region:
        table.add_section()
        table.add_row("Итого по региону", *_figures(shown, row), style="bold")
    if "in_rule_gap" in shown.units.columns and shown.units["in_rule_gap"].any():
        table.caption = f"{GAP_MARK} между 50 % и 51 %: правило этот промежуток не описывает"
    return table


def _systems(tables: Tables, night: Night) -> Table:
    """The systems of the source of which something is known, a line each."""
    table = _ruled(f"Системы мониторинга на {night.as_of:%d.%m.%Y}")
    table.add_column("Система", no_wrap=True)
    table.add_column("Что считается")
    table.add_column("Сколько", justify="right", no_wrap=True)
    table.add_column("Доля", justify="right", no_wrap=True)
    table.add_column("Полоса", no_wrap=True)
    table.add_column("Чего нет")
    table.caption = ABSENT
    for system in tables.systems:
        if system.is_known:
            colour = COLOURS.get(system.band or "", "")
            name, counted, of, rate, missing = told(system)
            band = Text(in_words("band").get(system.band or "", "—"), colour)
            table.add_row(name, counted, of, Text(rate, colour), band, missing)
    return table


def _figures(shown: UnitTable, row: Row) -> tuple[str | Text, ...]:
    """The figures of a row, its rate and its band."""
    band = str(row[shown.band])
    colour, mark = COLOURS.get(band, ""), GAP_MARK if row.get("in_rule_gap") else ""
    rate = Text(percent(row[shown.shown.rate[0]]), colour)
    figures = (whole(row[column]) for column, _ in shown.shown.figures)
    return (*figures, rate, Text(in_words("band").get(band, band) + mark, colour))


def _add_figures(table: Table, heading: str, texts: Sequence[str]) -> None:
    """A column that keeps its width, however narrow the terminal is."""
    width = max(map(len, (*heading.split("\n"), *texts)))
    table.add_column(heading, justify="right", no_wrap=True, min_width=width)


def shorter(name: str) -> str:
    """The name of a unit for a narrow terminal."""
    return name.replace("муниципальный район", "р-н").replace("Городской округ", "ГО")


def _disagreeing_table(frame: pl.DataFrame, *, narrow: bool = False) -> Table:
    """Stated figures beside those that follow from the rows."""
    table = _ruled("Заявленные цифры, которые не сходятся с вычисленными")
    rows = [
        (
            row["sender_name"] if row["sender"] != "department" else row["form_title"],
            shorter(row["reporting_unit_name"]) if narrow else row["reporting_unit_name"],
            figure_title(row["form"], row["metric"]),
            *(_figure(row[key], row["metric"]) for key in ("stated", "computed", "difference")),
        )
        for row in frame.iter_rows(named=True)
    ]
    widths = (17, 14, 15) if narrow else (33, 24, 25)
    for heading, width in zip(("Кто заявил", "Строка", "Показатель"), widths, strict=True):
        table.add_column(heading, overflow="ellipsis", no_wrap=True, max_width=width)
    for place, heading in enumerate(("Заявлено", "Вычислено", "Разница"), start=3):
        _add_figures(table, heading, [row[place] for row in rows])
    for row in rows:
        table.add_row(*row)
    return table


def _ruled(title: str) -> Table:
    return Table(
        title=title, title_justify="left", title_style="bold", caption_justify="left",
        box=None, padding=(0, 2, 0, 0), pad_edge=False,
    )  # fmt: skip


def _figure(value: float | None, metric: str) -> str:
    return percent(value) if metric.endswith("_rate") else whole(value)
