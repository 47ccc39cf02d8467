"""Marts as files: one SELECT each, whose head comment says what it is; columns.csv has the words that marts share.

Those of a subject lie in a folder of their own. A SELECT that asks for `:as_of` is published for dates of a region,
`:region`: it reads facts, registers and what is known of deliveries. Another is a view: it reads what was published.
What a SELECT yields is completed by the columns that every published mart has: the region, the date, by which rules it
is judged, how complete and how sure it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path

from warehouse.marts.audience import Audience, is_audience, read_audience
from warehouse.marts.columns import OF_ALL, caption, kind
from warehouse.marts.country import of_country
from warehouse.marts.for_public import Public, is_for_public, misstated_public, read_public
from warehouse.marts.indicators import PLACE, indicators
from warehouse.marts.parts import with_parts
from warehouse.marts.stated import Rate, Stated, is_statement, read_statements
from warehouse.schema.facts import literal

FOLDER = Path(__file__).parent
CHECKS = "checks"
"""A folder of checks, not of a subject."""
LIVE = {
    "incidents": ("incidents/incidents.sql", ("incident_id",), "Доступ: единица по sender."),
    "calendar": ("schema/calendar_view.sql", ("region", "day"), "Доступ: регион."),
}
"""View that is made with the schema → its script in `warehouse/`, its key, and who sees its rows."""
COMMENT = re.compile(r"COMMENT ON (?:VIEW|COLUMN) mart\.\w+(?:\.(\w+))? IS\s+'([^']*)';")
COLUMN = re.compile(r"--   (\w+): (\S.*)")
PROSE = re.compile(r"-- (\S.*)")
KEY = re.compile(r"Ключ: ([\w, ]+); имя: (\w+)(?:; формы: ([\w, ]+))?\.")
LABELLED = re.compile(r"[А-ЯЁ][\w ]*: ([a-z]\w*)[ ,;.]")
ALL_FORMS = "все"
GRAINS = {("school_code",): "school", ("reporting_unit",): "unit", ("form", "sender"): "sender"}
FIGURES = ("history", "figure")
"""The view of all figures whose change is told (warehouse/marts/told.py)."""
PUBLISHED_FOR = re.compile(r":as_of\b")
READ = re.compile(r"\b(core|history|mart|ops|ref)\.(\w+)")
SELECTED = re.compile(r"^SELECT\n(.*?)\nFROM ", re.DOTALL | re.MULTILINE)
QUOTED = re.compile(r"'[^']*'")
NESTED = re.compile(r"\([^()]*\)|\[[^][]*\]")
RULE = "band_rule_version"
RULES = ("judged_by", "by_older_rules")
TAIL = (*RULES, "completeness", "known_at", "is_final")
OF_LATEST = "Только последняя опубликованная дата каждого региона."
OF_AS_KNOWN = "Как было опубликовано к моменту known_at; of_region — один регион, без него все."
STATE = "state AS (SELECT * FROM pg_temp.states s WHERE s.as_of = :as_of AND s.forms = {forms}),\n"
"""What states.py puts aside for the date."""
WHOLE = """
WITH {state}told AS (
{select}
)
SELECT cast(:region AS text) AS region, cast(:as_of AS date) AS as_of, {columns}
FROM told
"""
OF_STATE = "CROSS JOIN state\n"
OF_READING = """\
LEFT JOIN ops.judged(ARRAY(SELECT t.reading_id FROM told t)) AS reading ON reading.reading_id = told.reading_id
"""


@dataclass(frozen=True)
class Mart:
    """A mart: its SELECT with the parameters `:region`, `:as_of` and `:known_at`, or a view on other marts.

    What was published is kept in `history.<name>`, every version of every row; `mart.<name>` shows those that hold now.

    `about` is the comment of the view; `captions` has the comment of each column, Russian caption first. `key` are the
    columns that tell rows of a date in a region apart, `label` the column that names a row for people. `forms` are
    those by which the mart's state is judged (none when its SELECT says of each row itself how complete and how sure it
    is), the one whose figures these are last. `audience` is who may see its rows, `stated` what it says of its figures,
    `public` what of it everybody may see (None: nothing).
    """

    name: str
    about: str
    captions: dict[str, str]
    select: str
    is_view: bool
    audience: Audience
    key: tuple[str, ...] = ()
    label: str = ""
    forms: tuple[str, ...] = ()
    subject: str = ""
    stated: Stated = field(default_factory=Stated)
    public: Public | None = None

    @property
    def grain(self) -> str:
        """Whose a row is: school, unit or sender; empty for rows of another kind."""
        return GRAINS.get(self.key, "")

    @property
    def form(self) -> str:
        """The form whose figures these are: who owes it is told of them."""
        return self.forms[-1] if self.forms else ""

    @property
    def set_of_forms(self) -> str:
        """How `ops.states_at` names the forms by which the mart's state is judged."""
        return "" if self.forms == (ALL_FORMS,) else ", ".join(self.forms)

    @property
    def relation(self) -> str:
        """The view that shows what holds now, with its schema."""
        return f"mart.{self.name}"

    @property
    def history(self) -> str:
        """The table that keeps every version of every row, with its schema."""
        return f"history.{self.name}"

    @property
    def as_known(self) -> str:
        """The function that gives the mart of a date as it was published at a moment, of all regions or of one."""
        return f"mart.{self.name}_as_known"

    @property
    def latest(self) -> str:
        """The view of the last published date of each region."""
        return f"{self.relation}_latest"

    @cached_property
    def reads(self) -> frozenset[tuple[str, str]]:
        """(schema, name) of all that the SELECT reads."""
        return frozenset(READ.findall(self.select))

    @cached_property
    def marts_read(self) -> frozenset[str]:
        """Names of the marts that a view reads; of all figures, those that state some."""
        named = {name for schema, name in self.reads - {FIGURES} if schema in ("mart", "history")}
        telling = {mart.name for mart in marts() if mart.stated.figures} if FIGURES in self.reads else set()
        return frozenset(named | telling)

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """By what columns.csv may tell marts like this one: that it is of the country, the marts it reads, its forms,
        its key."""
        of_country = self.audience.kind * (self.audience.kind == "country")
        told = (of_country, *sorted(self.marts_read), ", ".join(self.forms), ", ".join(self.key) or "as_of")
        return tuple(filter(None, told))

    @cached_property
    def columns(self) -> dict[str, str]:
        """Each published column in its order → the part of the statement that yields it."""
        yielded = dict.fromkeys(selected(self.select), "told")
        if self.is_view:
            return yielded
        judge = "reading" if yielded.pop("reading_id", None) else "state"
        tail = dict.fromkeys(RULES, judge) | dict.fromkeys(TAIL[len(RULES) :], "state") if self.forms else {}
        if "by_older_rules" in yielded:
            tail = {name: source for name, source in tail.items() if name not in RULES}
        body = {name: source for name, source in yielded.items() if name not in TAIL}
        whole = {**tail, **yielded}
        return {"region": "", "as_of": "", **body, **{name: whole[name] for name in TAIL if name in whole}}

    @cached_property
    def statement(self) -> str:
        """The SELECT with the columns that every published mart has, which it need not say.

        A row that rests on one reading yields its `reading_id` and is judged by the rules of that reading; others by
        those of the readings of the mart's forms. What a SELECT says of them itself holds; it may read `state`. The
        states of the date are to be put aside before (warehouse/marts/states.py).
        """
        columns = self.columns
        whole = WHOLE.format(
            state=STATE.format(forms=literal(self.set_of_forms)) if self.forms else "",
            select=self.select,
            columns=", ".join(f"{source}.{name}" for name, source in columns.items() if source),
        )
        return whole + OF_STATE * bool(self.forms) + OF_READING * ("reading" in columns.values())

    def rule_of(self, rate: Rate) -> str:
        """The column that says by which rule the band of a rate was judged: its own, else that of all bands."""
        return rate.rule if rate.rule in self.columns else RULE

    def comments(self, columns: list[str]) -> str:
        """COMMENT statements for the mart and these columns. Raises ValueError when the captions are of others."""
        if set(columns) != set(self.captions):
            odd = sorted(set(columns) ^ set(self.captions))
            raise ValueError(f"{self.name}: each column needs one caption; see {', '.join(odd)}")
        statements = [
            f"COMMENT ON VIEW {self.relation} IS {literal(self.about)}",
            f"COMMENT ON VIEW {self.latest} IS {literal(f'{self.about} {OF_LATEST}')}",
        ]
        statements += [
            f"COMMENT ON COLUMN {relation}.{name} IS {literal(self.captions[name])}"
            for relation in (self.relation, self.latest)
            for name in columns
        ]
        as_known_comment = literal(f"{self.about} {OF_AS_KNOWN}")
        statements.append(f"COMMENT ON FUNCTION {self.as_known}(date, timestamptz, text) IS {as_known_comment}")
        return ";\n".join(statements)


def selected(select: str) -> list[str]:
    """Names of the columns that a SELECT yields: of its last list at the left margin, each item named or a column."""
    listed = QUOTED.sub("", SELECTED.findall(select)[-1])
    while NESTED.search(listed):
        listed = NESTED.sub("", listed)
    return [item.split(" AS ")[-1].split(".")[-1].strip() for item in listed.split(",")]


def files() -> list[Path]:
    """The files of marts, of every subject, by name."""
    return sorted((path for path in FOLDER.glob("*/*.sql") if path.parent.name != CHECKS), key=lambda path: path.stem)


@cache
def marts() -> tuple[Mart, ...]:
    """All marts that are published, by name."""
    return tuple(read_mart(path) for path in files() if not _is_view(path))


@cache
def views() -> tuple[Mart, ...]:
    """The views on the marts that are published, by name."""
    return tuple(read_mart(path, marts()) for path in files() if _is_view(path))


def _is_view(path: Path) -> bool:
    return not PUBLISHED_FOR.search(path.read_text(encoding="utf-8"))


def total_of(mart: Mart) -> Mart | None:
    """The view that sums up a mart in one row a region and date; None when there is none."""
    sums = (view for view in views() if not view.key and view.audience.kind != "country")
    return next((view for view in sums if view.marts_read == {mart.name}), None)


@cache
def live() -> tuple[Mart, ...]:
    """Views of how things stand: never published, and made when the schema is."""
    return tuple(_live(name, FOLDER.parent / script, key, line) for name, (script, key, line) in LIVE.items())


def _live(name: str, path: Path, key: tuple[str, ...], line: str) -> Mart:
    script = path.read_text(encoding="utf-8")
    select = script.partition(f"CREATE VIEW mart.{name} WITH (security_barrier) AS\n")[2].partition(";")[0]
    comments = dict(COMMENT.findall(script))
    return Mart(name, comments.pop(""), comments, select, is_view=True, audience=read_audience([line]), key=key)


def read_mart(path: Path, bases: Sequence[Mart] = ()) -> Mart:
    """A mart from its file: comment lines of prose, of what it states, of columns (`--   name: Подпись. Пояснение`),
    then the SELECT.

    `bases` are the marts that a view may read. The words of a column are those of the file itself, else of the line of
    columns.csv for readers of its base or for marts like it, else those of the base, else of the line for all marts.
    Raises ValueError for a head comment that is anything else, for a statement that does not fit the SELECT, and for a
    column without words.
    """
    lines = path.read_text(encoding="utf-8").splitlines()
    head = next(number for number, line in enumerate(lines) if not line.startswith("--"))
    own = {match[1]: match[2] for line in lines[:head] if (match := COLUMN.fullmatch(line))}
    prose = [match[1] for line in lines[:head] if (match := PROSE.fullmatch(line))]
    if len(own) + len(prose) != head:
        raise ValueError(f"{path.name}: a line of the head comment is neither prose nor a column")
    about = " ".join(line for line in prose if not _states(line))
    key = KEY.search(about)
    if key is None and not bases:
        raise ValueError(f"{path.name}: the head comment does not say «Ключ: …; имя: ….»")
    try:
        stated = read_statements(path.parent.name, [line for line in prose if is_statement(line)])
        audience = read_audience([line for line in prose if is_audience(line)])
        public = read_public([line for line in prose if is_for_public(line)])
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from None
    select = with_parts("\n".join(lines[head:]).strip().removesuffix(";"))
    if PLACE in select:
        select = select.replace(PLACE, indicators(bases))
    mart = Mart(
        name=path.stem,
        about=KEY.sub("", about).strip(),
        captions=own,
        select=of_country(select, bases),
        is_view=bool(bases),
        audience=audience,
        key=tuple(key[1].split(", ")) if key else (),
        label=key[2] if key else "",
        forms=tuple(key[3].split(", ")) if key and key[3] else (),
        subject=path.parent.name,
        stated=stated,
        public=public,
    )
    for line in prose:  # a label that is misspelt would be prose
        listed = None if _states(line) or KEY.match(line) else LABELLED.match(line)
        if listed and listed[1] in mart.columns:
            raise ValueError(f"{path.name}: this line states nothing: {line}")
    if wrong := misstated(mart):
        raise ValueError(f"{path.name}: {wrong}")
    return replace(mart, captions=captions(mart, [base for base in bases if base.name in mart.marts_read]))


def _states(line: str) -> bool:
    """Is a line of a head comment a statement, and no prose?"""
    return is_statement(line) or is_audience(line) or is_for_public(line)


def misstated(mart: Mart) -> str:
    """What is wrong with the statements of a mart, in words; empty when nothing is."""
    stated = mart.stated
    if mart.is_view and "region" not in mart.columns:
        return "a view on marts yields the region of each row, and groups by it"
    if odd := sorted((stated.columns | mart.audience.columns) - set(mart.columns)):
        return f"the head comment states columns that the SELECT does not yield: {', '.join(odd)}"
    if mart.grain and not stated.lines:
        return "the head of a mart of schools, units or senders says «Меры: ….» or «Состояния: ….» (or «Меры: нет.»)"
    if stated.figures and (mart.is_view or not mart.grain):
        return "only a published mart of schools, units or senders is corrected: say «Меры без поправок: ….»"
    banded = {rate.name for rate in stated.rates if rate.band}
    for rate in stated.rates:
        if rate.band and (rate.rule if rate.rule_set else mart.rule_of(rate)) not in mart.columns:
            return f"a band is of a rule: the SELECT yields no {rate.rule if rate.rule_set else RULE}"
    if stated.pace and (mart.grain != "unit" or mart.is_view):
        return "a pace is of a published mart of reporting units"
    if stated.flows and (mart.grain != "unit" or mart.is_view or not all(flow.words for flow in stated.flows)):
        return "what came and went is of a published mart of reporting units, each with its words"
    if stated.night and (mart.grain != "unit" or stated.night.rate[0] not in banded):
        return "a table of the night is of reporting units, and its last column is a rate that has a band"
    if mart.public and mart.audience.kind == "country":
        return "the public is told of regions: nobody has stated how the country's figures follow from theirs"
    if mart.public:
        kinds = {name: kind(name, *mart.kinds) for name in mart.public.columns if name in mart.columns}
        return misstated_public(mart.public, mart.key, mart.columns, kinds)
    return ""


def captions(mart: Mart, bases: Sequence[Mart]) -> dict[str, str]:
    """Column → its words, of all columns of a mart; `mart.captions` are those that its file says itself."""
    of_columns = {column: mart.captions.get(column) or shared(mart, bases, column) for column in mart.columns}
    if odd := sorted(set(mart.captions) - set(of_columns)) + [
        column for column, words in of_columns.items() if not words
    ]:
        raise ValueError(f"{mart.name}: words without a column, or a column without words: {', '.join(odd)}")
    return of_columns


def shared(mart: Mart, bases: Sequence[Mart], column: str) -> str:
    """What a column of a mart is, if its file says nothing of it; empty where nobody does."""
    inherited = next((base.captions[column] for base in bases if column in base.captions), "")
    return caption(column, *mart.kinds) or inherited or caption(column, OF_ALL)
