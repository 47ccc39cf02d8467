"""A page for each form: who sent and who is late, which rules are broken most and how to mend that, and in which
cells of which documents the columns stand."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import polars as pl
from markupsafe import Markup

from contracts.texts import rule_texts, word_of
from contracts.texts.figures import whole
from documents.pages.mart_html import NOTHING, HtmlTable, banded, link, simple_table
from documents.receipts.findings import column_titles
from flows.home.shown import local_time
from flows.page.frame import Frame, named, told
from flows.page.made_of import Page, digest
from transforms.findings.disclosure import born_before, may_be_shown

WORST = ("missing", "refused", "held", "partial")
STATUS_BANDS = {"missing": "red", "refused": "red", "held": "amber", "partial": "amber", "accepted": "green"}
MOST_RULES = 15


def form_pages(frame: Frame) -> Iterator[Page]:
    """Each form of which the audience sees a sender, and the list of them."""
    health = frame.rows("delivery_health")
    state = frame.state(health)
    if health.is_empty():
        yield frame.page("forms.html", "forms.html", "Формы", state, told("section_forms"), told=simple_table([], []))
        return
    listed = []
    for of_form in health.drop_nulls("form").partition_by("form", maintain_order=True):
        form, title = of_form.row(0, named=True)["form"], of_form.row(0, named=True)["form_title"]
        documents = frame.night.places.filter(pl.col("form") == form)
        late = of_form.filter(~pl.col("on_time").fill_null(True)).height
        listed.append([
            link(f"form/{form}.html", named(title, form)), whole(of_form.filter("is_expected").height),
            whole(of_form.filter("is_received").height), whole(late),
            whole(of_form.filter(pl.col("status").is_in(["held", "refused"])).height),
        ])  # fmt: skip
        failures = frame.rows("rule_failures")
        failures = failures.filter(pl.col("form") == form) if not failures.is_empty() else failures
        page = partial(_form, frame, form, of_form, documents, failures)
        yield Page(f"form/{form}.html", page, digest(frame.made_of, of_form, documents, failures))
    headings = [(told("form"), False), *((told(code), True) for code in ("expected", "received", "late", "not_taken"))]
    yield frame.page(
        "forms.html", "forms.html", "Формы", state, told("section_forms"), told=simple_table(headings, listed)
    )


def _form(
    frame: Frame, form: str, health: pl.DataFrame, documents: pl.DataFrame, failures: pl.DataFrame
) -> bytes:  # fmt: skip
    title = health["form_title"][0]
    numbers = {row["sender"]: row["delivery_id"] for row in documents.iter_rows(named=True)}
    return frame.draw(
        f"form/{form}.html", "form.html", title, frame.state(health), named(title, form),
        who=_who(frame, health, numbers), rules=_rules(failures),
        documents=list(_documents(frame, documents, column_titles(form))),
    )  # fmt: skip


def _who(frame: Frame, rows: pl.DataFrame, numbers: Mapping[str, int]) -> HtmlTable:
    """The senders, those of whom something is wanted first."""
    zone = frame.night.region.zone
    ordered = sorted(
        rows.iter_rows(named=True),
        key=lambda row: WORST.index(row["status"]) if row["status"] in WORST else len(WORST),
    )
    lines = []
    for row in ordered:
        number = numbers.get(row["sender"])
        lines.append([
            row["sender_name"] or row["sender"] or NOTHING, _status(row),
            {True: "в срок", False: "с опозданием", None: NOTHING}[row["on_time"]],
            f"{row['deadline']:%d.%m.%Y}" if row["deadline"] else NOTHING,
            local_time(row["received_at"], zone) if row["received_at"] else NOTHING,
            whole(row["rows_loaded"]), whole(row["rows_quarantined"]), whole(row["warnings"]),
            link(f"#d{number}", f"доставка {number}") if number is not None else NOTHING,
        ])  # fmt: skip
    figures = {"rows_loaded", "rows_quarantined", "warnings"}
    order = ("sender", "came_of_it", "in_time", "deadline", "received_at", "rows_loaded", "rows_quarantined",
             "warnings", "delivery")  # fmt: skip
    return simple_table([(told(code), code in figures) for code in order], lines)


def _status(row: Mapping[str, Any]) -> Markup | str:
    return banded(row["status_name"], STATUS_BANDS.get(row["status"]))


def _rules(found: pl.DataFrame) -> HtmlTable:
    """The rules of a form that are broken most, over all its senders, and how to mend that."""
    if found.is_empty():
        return simple_table([], [])
    summed = (
        found.group_by("rule", "what", "severity", maintain_order=True)
        .agg(pl.col("failures").sum(), pl.col("sender").n_unique().alias("senders"))
        .sort("failures", descending=True, maintain_order=True)
        .head(MOST_RULES)
    )
    texts = rule_texts()
    lines = [
        [row["what"], row["rule"], word_of("severity", row["severity"]), whole(row["failures"]), whole(row["senders"]),
         texts[row["rule"]].mend if row["rule"] in texts else NOTHING]
        for row in summed.iter_rows(named=True)
    ]  # fmt: skip
    headings = [("what", False), ("rule", False), ("severity", False), ("failures", True), ("senders", True),
                ("mend_rule", False)]  # fmt: skip
    return simple_table([(told(code), is_figure) for code, is_figure in headings], lines)


def _documents(
    frame: Frame, documents: pl.DataFrame, titles: Mapping[str, str]
) -> Iterator[tuple[int, str, list[tuple[str, str]]]]:
    """(number, words, columns with the cells of their headings) of documents that count.

    A sheet may be named after a person: its name is told where all its words are our own.
    """
    born = born_before(frame.night.as_of)
    for row in documents.iter_rows(named=True):
        places = []
        for column, place in json.loads(row["places"]).items():
            sheet, _, cell = str(place).rpartition("!")
            where = place if sheet and may_be_shown(sheet, born) else cell
            places.append((titles.get(column, column), str(where)))
        came = local_time(row["received_at"], frame.night.region.zone)
        words = f"{row['sender_name']}, на {row['as_of']:%d.%m.%Y}, пришла {came}, sha256 {row['sha256'][:8]}"
        yield row["delivery_id"], words, places
