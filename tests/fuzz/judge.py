"""What may come of a spoiled file, and nothing else: a balanced reading, or a refusal in words."""

from __future__ import annotations

import math
import re
import signal
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

import polars as pl
from corpus import RECEIVED, contexts
from mutants import Mutant

from contracts.forms import RULES, form_named
from contracts.grid import Blocks, Grid, Unreadable
from contracts.reading import Reading
from contracts.rules import TOO_MUCH_SET_ASIDE, UNREADABLE
from transforms.interpret import Delivery, interpret

SECONDS = 20.0
"""Within which a batch of mutants is interpreted, and each of them when it is alone."""
ADDRESS = re.compile(r"[A-Z]{1,7}[1-9][0-9]*")
PYTHON = re.compile(
    r"\b(None|True|False|nan|NaN|inf|dtype|Traceback|\w+Error|datetime\.\w+|Decimal|timedelta)\b"
    r"|<[\w.]+ object at|\b0x[0-9a-f]{6,}"
)
"""What tells of a program where people read; what a file itself says is quoted."""
QUOTED = re.compile("«[^»]*»")
NOT_DATA = {
    "title", "heading", "total", "subtotal", "section", "unfilled", "note", "another_table", "blank",
}  # fmt: skip
SEVERITIES = {"error", "refuse", "warning", "note"}

Content = Grid | Blocks | Unreadable
Opened = Sequence[tuple[Mutant, Content]]


class TooSlow(Exception):
    pass


def complaints(opened: Opened) -> list[tuple[Mutant, str]]:
    """What is wrong with the readings of some mutants, which were opened before."""
    found = []
    for world, context in contexts().items():
        there = [(mutant, content) for mutant, content in opened if mutant.world == world]
        deliveries = [delivery(mutant, content) for mutant, content in there]
        try:
            with within(SECONDS):
                readings = [drained(each) for each in interpret(deliveries, context)]
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not be
            if len(there) == 1:
                found.append((there[0][0], told(error)))
            else:
                alone = [complaint for each in there for complaint in complaints([each])]
                found += alone or [(there[0][0], f"fails beside {len(there) - 1} others: {told(error)}")]
            continue
        for (mutant, content), reading in zip(there, readings, strict=True):
            found += [(mutant, text) for text in wrong(reading, content)]
    return found


def delivery(mutant: Mutant, content: Content) -> Delivery:
    return Delivery(mutant.name, "0" * 64, mutant.folder, RECEIVED, content)


def drained(found: object) -> Reading:
    if isinstance(found, Reading):
        return found
    for _ in found:  # type: ignore[attr-defined]
        pass
    return found.reading()  # type: ignore[attr-defined,no-any-return]


def wrong(reading: Reading, content: Content) -> Iterator[str]:
    """What a reading says that cannot be."""
    rows, findings = reading.rows, reading.findings
    if rows.read != rows.loaded + rows.quarantined + rows.not_data or min(rows.loaded, rows.quarantined) < 0:
        yield f"rows are lost: {rows}"
    refused = "refuse" in findings["severity"]
    expected = "refused" if refused else "partial" if rows.quarantined else "accepted"
    if reading.verdict != expected:
        yield f"{reading.verdict} with {rows} and findings {findings['rule'].to_list()}"
    if refused and (rows.loaded or reading.facts.height or reading.slice):
        yield f"refused, but loads {rows.loaded} rows, {reading.facts.height} facts for {reading.slice}"
    if not refused and reading.slice is None:
        yield "is not refused and has no slice"
    if isinstance(content, Unreadable) and not (refused and rows.read == 0):
        yield f"cannot be read, but is {reading.verdict} with {rows}"
    written = {" ".join(text.split()) for text in reading.raw_rows["cells"].explode() if text}
    for finding in findings.iter_rows(named=True):
        if not finding["message"] or finding["rule"] not in RULES or finding["severity"] not in SEVERITIES:
            yield f"a finding without words, rule or severity: {finding}"
        if PYTHON.search(of_ours(finding["message"], written)):
            yield f"a word of Python in a text for people: {finding['message']}"
        if finding["cell"] is not None and not ADDRESS.fullmatch(finding["cell"]):
            yield f"no address of a cell: {finding['cell']}"
        if finding["difference"] is not None and not math.isfinite(finding["difference"]):
            yield f"a difference that JSON does not know: {finding['difference']}"
    yield from of_set_aside(reading)
    yield from of_raw_rows(reading)


def of_ours(message: str, written: set[str]) -> str:
    """What a message says in our words: without what the file says, quoted or as whose row it is."""
    subject, colon, rest = message.partition(": ")
    return QUOTED.sub("", rest if colon and subject in written else message)


def of_set_aside(reading: Reading) -> Iterator[str]:
    """More rows set aside than the form allows are never loaded with; where COM-072 refuses, it is for that."""
    if reading.form is None:
        return
    rows, allowed = reading.rows, form_named(reading.form).set_aside
    if reading.verdict != "refused" and rows.quarantined > allowed.most(rows.loaded + rows.quarantined):
        yield f"{rows} is {reading.verdict}, though {allowed} allows less to be set aside"
    for finding in reading.findings.filter(rule=TOO_MUCH_SET_ASIDE.id).iter_rows(named=True):
        aside, read = int(finding["value"]), rows.read - rows.not_data
        if not allowed.most(read) < aside <= read:
            yield f"{finding['message']} with {rows}, though {allowed} allows so much"


def of_raw_rows(reading: Reading) -> Iterator[str]:
    """Every row of the file is kept once with what came of it, and each error sets its own row aside."""
    raw, rows = reading.raw_rows, reading.rows
    if reading.form is None:  # nothing of an unknown file is kept
        return
    if form_named(reading.form).pupils:  # only rows that were set aside are kept
        if reading.verdict == "partial" and raw["outcome"].to_list() != ["quarantined"] * rows.quarantined:
            yield f"{rows}, but {raw.height} rows are kept"
        return
    counted = dict(raw["outcome"].value_counts().iter_rows())
    loaded, quarantined = counted.pop("loaded", 0), counted.pop("quarantined", 0)
    if (loaded, quarantined, sum(counted.values())) != (rows.loaded, rows.quarantined, rows.not_data):
        yield f"{rows}, but the rows say {loaded}, {quarantined}, {counted}"
    if unknown := counted.keys() - NOT_DATA:
        yield f"unknown outcomes of rows: {unknown}"
    if raw.select("sheet", "row").is_duplicated().any():
        yield "a row is kept twice"
    if reading.facts.height != rows.loaded:
        yield f"{rows.loaded} rows are loaded as {reading.facts.height} facts"
    errors = reading.findings.filter((pl.col("severity") == "error") & pl.col("row").is_not_null())
    good = raw.filter(pl.col("outcome") == "loaded")
    if errors.join(good, on=["sheet", "row"], how="semi").height:
        yield "a row with an error is loaded"
    if set(raw.filter(pl.col("outcome") == "quarantined")["row"]) - set(errors["row"]) and reading.verdict == "partial":
        yield "a row is set aside without an error"


def refusal_in_words(error: Unreadable) -> bool:
    return error.reason in UNREADABLE and bool(error.detail.strip())


def told(error: Exception) -> str:
    return "".join(traceback.format_exception(error)[-12:])


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Interrupt what takes longer; only Python code can be, and only in the main thread."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise TooSlow(f"takes longer than {seconds} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
