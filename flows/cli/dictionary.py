"""`profmin dictionary`: the marts and their columns in words, as Markdown, of which `docs/dictionary.md` is the output,
as JSON for catalogues of data, or as what Superset imports."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from flows.home.json_output import write
from flows.home.usage import UsageError, must_be_known
from flows.presentation.mart_catalogue import catalogue, csvw_of_all
from warehouse.marts.columns import kind
from warehouse.marts.definitions import ALL_FORMS, Mart, live, marts, views
from warehouse.marts.published import mart_named, mart_names

HEAD = """# Словарь витрин

Всё, что читает BI, лежит в схеме `mart`; других схем (`ref`, `ops`, `core`, `restricted`, `history`) роль `bi_reader`
не видит. Доли — точные дроби, проценты показывает BI; пустое значение — «неизвестно», а не ноль. В витрине строки всех
опубликованных дат; только последней — в `mart.<витрина>_latest`, с теми же столбцами. Витрина на прошлую дату, какой её
знали в тот момент: `mart.<витрина>_as_known(дата, момент)` или `profmin mart <витрина> --as-of ДАТА --known-at МОМЕНТ`.

Вид столбца: текст, целое (и что им считают), число, доля (1 — это 100 %), да/нет, дата, момент (дата и время с поясом).
Как витрины устроены и названы — `docs/marts.md`.

Этот файл пишет `profmin dictionary > docs/dictionary.md`.
"""
MARKDOWN = "markdown"
DOCUMENTS = {"json": catalogue, "csvw": csvw_of_all}
SUPERSET = "superset"
LAYERS = (
    ("Витрины из фактов", "Публикуются каждую ночь; каждая версия каждой строки хранится.", marts),
    ("Витрины из витрин", "Представления на опубликованном: итоги, ряды, поправки.", views),
    ("Положение сейчас", "Не публикуется и версий не имеет.", live),
)


def show_dictionary(name: str | None, format_: str = MARKDOWN) -> None:
    """Print the dictionary of one mart, or of all. Raises UsageError for a name that is not a mart, or a format."""
    shown = {each.name: each for each in live()}
    must_be_known([name] if name else [], [*mart_names(), *shown], "mart")
    must_be_known([format_], [MARKDOWN, *DOCUMENTS, SUPERSET], "format")
    if format_ == SUPERSET:
        _write_bundle(name)
    elif format_ in DOCUMENTS:
        write(DOCUMENTS[format_](name))
    else:
        sys.stdout.write(dictionary() if name is None else _section(shown.get(name) or mart_named(name)))


def _write_bundle(name: str | None) -> None:
    from flows.presentation.superset_bundle import bundle

    if name is not None:
        raise UsageError("superset is of all marts: leave the name out", "для superset витрину не называют: там все")
    if sys.stdout.isatty():
        raise UsageError("it is a zip: write it to a file with >", "это архив zip: направьте его в файл знаком >")
    sys.stdout.buffer.write(bundle())


def dictionary() -> str:
    """All marts, layer by layer."""
    blocks = [HEAD]
    for title, introduction, marts_of_layer in LAYERS:
        blocks += [f"## {title}\n", f"{introduction}\n", *map(_section, marts_of_layer())]
    return "\n".join(blocks)


def _section(mart: Mart) -> str:
    """A mart: what it is, its key, its sources, and a line a column."""
    lines = [f"### {mart.name}", "", mart.about, ""]
    if mart.key:
        key = (*(["as_of"] if "as_of" in mart.columns else []), *mart.key)
        lines += [f"Ключ: {_code_names(key)}.", ""]
    lines += [f"Видят: {mart.audience.words}.", ""]
    lines += _statements(mart)
    lines += [f"Источник: {_source(mart)}.", "", "| столбец | вид | название | что это |", "|---|---|---|---|"]
    for column, caption in mart.captions.items():
        title, _, explanation = caption.partition(". ")
        cells = (f"`{column}`", ", ".join(filter(None, kind(column, *mart.kinds))), title.rstrip("."), explanation)
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines) + "\n"


def _statements(mart: Mart) -> list[str]:
    """What a mart states of its figures, with the form whose sender is told of their bands and totals."""
    stated = mart.stated
    lines = []
    if stated.measures:
        lines.append(f"Складываются: {_code_names(stated.measures)}.")
    for rate in stated.rates:
        of_set = f" из набора `{rate.rule_set}`" if rate.rule_set else ""
        band = f"; полоса `{rate.band}` по правилу `{mart.rule_of(rate)}`{of_set}" if rate.band else ""
        lines.append(
            f"Показатель: `{rate.name}` = `{rate.numerator}` / `{rate.denominator}` — {rate.population}{band}."
        )
    if stated.figures:
        owner = f" (инциденты — по форме `{mart.form}`)" if mart.form and mart.grain == "unit" else ""
        lines.append(f"Поправкой считается перемена: {_code_names(each.metric for each in stated.figures)}{owner}.")
    return [part for line in lines for part in (line, "")]


def _source(mart: Mart) -> str:
    """The marts that a mart reads, or the forms of whose documents it is made."""
    if mart.marts_read:
        return f"витрины {_code_names(sorted(mart.marts_read))}"
    if mart.is_view:
        return "журнал инцидентов и сообщений" if mart.name == "incidents" else "справочники"
    if mart.forms == (ALL_FORMS,):
        return "документы всех форм"
    return (
        f"документы форм {_code_names(mart.forms)}"
        if mart.forms
        else "документы форм, которые обязаны прислать к сроку"
    )


def _code_names(names: Iterable[str]) -> str:
    """Names as Markdown writes them."""
    return ", ".join(f"`{name}`" for name in names)
