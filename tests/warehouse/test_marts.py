"""The files of the marts: what each layer reads, and that the words of a column are said once."""

import re
from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa
from hand_made import ALL

from contracts.regions import regions
from warehouse.marts import columns
from warehouse.marts.auditing import checks
from warehouse.marts.columns import CHANGE_OF_SHARE, OF_ALL, Word, kind, words
from warehouse.marts.definitions import (
    COLUMN,
    FIGURES,
    GRAINS,
    Mart,
    files,
    live,
    marts,
    read_mart,
    shared,
    total_of,
    views,
)
from warehouse.marts.told import figures_view

LEDGERS = {"corrections": {"publication", "run", "backfill", "reading", "delivery"}, "revisions": {"publication"}}
LEDGERS |= {view.name: {"publication"} for view in views() if view.audience.kind == "country"}
"""What views read beside marts: when a figure was published anew, and why; which day each region published last."""
TYPES = {
    "текст": {"text"},
    "целое": {"smallint", "integer", "bigint"},
    "число": {"numeric", "bigint"},
    "доля": {"numeric"},
    "да/нет": {"boolean"},
    "дата": {"date"},
    "момент": {"timestamp with time zone"},
}
EVERY = (*ALL, *live())
PUBLISHED = {mart.name for mart in marts()}


@pytest.mark.parametrize("mart", marts(), ids=lambda mart: mart.name)
def test_the_first_layer_reads_facts_and_never_a_mart(mart: Mart) -> None:
    assert {schema for schema, _ in mart.reads} <= {"core", "ops", "ref"}
    assert mart.key
    assert not mart.marts_read


@pytest.mark.parametrize("view", views(), ids=lambda view: view.name)
def test_the_second_layer_reads_published_marts_and_never_a_fact(view: Mart) -> None:
    """So there is no third layer, and the order of the two is all the order that there is."""
    assert view.marts_read
    assert view.marts_read <= PUBLISHED
    assert {name for schema, name in view.reads - {FIGURES} if schema in ("mart", "history")} <= PUBLISHED
    others = {(schema, name) for schema, name in view.reads if schema not in ("mart", "history", "ref")}
    assert others == {("ops", name) for name in LEDGERS.get(view.name, ())}


def asked(check: str) -> set[str]:
    """The marts whose rows a check is asked about."""
    return {name for found, select in checks(marts()) if found == check
            for name in re.findall(r"pg_temp\.(\w+)", select)}  # fmt: skip


def test_every_mart_of_a_kind_is_checked() -> None:
    assert asked("completeness_in_range") == PUBLISHED
    assert asked("unit_once") == {mart.name for mart in marts() if mart.grain == "unit"}
    assert asked("sender_once") == {mart.name for mart in marts() if mart.grain == "sender"}
    assert asked("school_once") == {mart.name for mart in marts() if mart.key[0] == "school_code"}
    assert asked("rates") == {mart.name for mart in marts() if mart.stated.rates}
    assert asked("bands") == {mart.name for mart in marts() if any(rate.band for rate in mart.stated.rates)}
    assert asked("completeness_is_what_is_there") == PUBLISHED
    assert all("{" not in select for _, select in checks(marts()))


@pytest.mark.parametrize("mart", [mart for mart in (*marts(), *views()) if mart.grain], ids=lambda mart: mart.name)
def test_a_mart_of_schools_units_or_senders_states_its_figures(mart: Mart) -> None:
    """What adds up is a count; a count that does not, as of partners that units share, is told as a state."""
    stated = mart.stated
    assert stated.measures or stated.figures
    assert {kind(column, *mart.kinds)[0] for column in stated.measures} <= {"целое"}
    assert {kind(rate.name, *mart.kinds)[0] for rate in stated.rates} <= {"доля"}
    assert {kind(each.column, *mart.kinds)[0] for each in stated.figures if each.kind == "state" and not each.of} <= {
        "текст", "дата", "целое",
    }  # fmt: skip
    assert all(rate.population for rate in stated.rates)


def test_figures_are_told_under_one_name() -> None:
    """In the ledger of corrections two figures of one mart would be one, and two bands of units look alike."""
    told = [(mart.name, each.metric) for mart in marts() for each in mart.stated.figures]
    bands = [(mart.grain, each.metric) for mart in marts() for each in mart.stated.figures if each.kind == "band"]
    assert len(set(told)) == len(told) and len(set(bands)) == len(bands)
    assert set(GRAINS.values()) == {mart.grain for mart in marts() if mart.stated.figures}
    assert set(re.findall(r"FROM history\.(\w+)", figures_view(marts()))) == {name for name, _ in told}


def test_a_region_is_the_sum_of_what_adds_up(seed_engine: sa.Engine) -> None:
    compared = 0
    with seed_engine.connect() as connection:
        for mart in marts():
            total = total_of(mart)
            shared_columns = [each for each in mart.stated.measures if total and each in total.columns]
            for column in shared_columns:
                of_rows, of_region = connection.execute(
                    sa.text(f"SELECT (SELECT sum({column}) FROM {mart.relation}),"
                            f" (SELECT sum({column}) FROM {total and total.relation})")
                ).one()  # fmt: skip
                assert of_rows == of_region, (mart.name, column)
                compared += 1
    assert compared > 20


def bases(mart: Mart) -> list[Mart]:
    return [base for base in marts() if base.name in mart.marts_read]


def own_words(mart: Mart) -> dict[str, str]:
    """Column → words that the file of a mart says itself."""
    path = next(path for path in files() if path.stem == mart.name)
    said = (COLUMN.fullmatch(line) for line in path.read_text(encoding="utf-8").splitlines())
    return {match[1]: match[2] for match in said if match}


@pytest.mark.parametrize("mart", ALL, ids=lambda mart: mart.name)
def test_a_file_says_only_what_is_its_own(mart: Mart) -> None:
    """Words that all marts share, or that a view has from the mart it reads, are not said again."""
    assert {column for column, said in own_words(mart).items() if said == shared(mart, bases(mart), column)} == set()


def test_the_words_of_a_column_are_said_once() -> None:
    said = Counter((line.column, line.caption) for line in words().values() if line.caption)
    said.update((column, caption) for mart in ALL for column, caption in own_words(mart).items())
    assert [each for each, times in said.items() if times > 1] == []


class Asked(dict[tuple[str, str], Word]):
    """The lines, and which of them were asked for."""

    def __init__(self) -> None:
        super().__init__(words())
        self.keys_asked: set[tuple[str, str]] = set()

    def get(self, key: tuple[str, str], default: object = None) -> Word | None:  # type: ignore[override]
        self.keys_asked.add(key)
        return super().get(key)


def test_each_line_is_of_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reads a mart asks for the lines of columns of which its file says nothing, until one has words."""
    asked = Asked()
    monkeypatch.setattr(columns, "words", lambda: asked)
    for path in files():
        read_mart(path, () if path.stem in PUBLISHED else marts())
    monkeypatch.undo()
    assert [key for key, line in words().items() if line.caption and key not in asked.keys_asked] == []
    assert {column for column, _ in words()} == {column for mart in EVERY for column in mart.columns}
    assert [key for key, line in words().items() if not line.kind and (line.of == OF_ALL or not line.caption)] == []


def test_words_begin_with_a_caption() -> None:
    odd = [(mart.name, column) for mart in ALL for column, said in mart.captions.items()
           if not re.match(r"[А-ЯЁ][^.]*\. \S", said)]  # fmt: skip
    assert odd == []


def test_columns_are_of_the_kinds_that_their_lines_say(seed_engine: sa.Engine) -> None:
    statement = sa.text(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
        " WHERE attrelid = to_regclass(:relation) AND attnum > 0 AND NOT attisdropped"
    )
    wrong = []
    with seed_engine.connect() as connection:
        for mart in EVERY:
            types = dict(connection.execute(statement, {"relation": mart.relation}).tuples().all())
            assert list(types) == list(mart.columns) == list(mart.captions), mart.name
            for column, found in types.items():
                said, unit = kind(column, *mart.kinds)
                if found not in TYPES[said] or (said == "целое") != bool(unit.replace(CHANGE_OF_SHARE, "")):
                    wrong.append((mart.name, column, found, said, unit))
    assert wrong == []


def write(folder: Path, head: str, select: str) -> Path:
    path = folder / "invented.sql"
    path.write_text(f"{head}\n{select}\n", encoding="utf-8")
    return path


KEY = "-- Выдумка.\n-- Ключ: school_code; имя: school_name; формы: school_register, readiness_report.\n"
KEY += "-- Доступ: регион."
HEAD = f"{KEY}\n-- Меры: нет."
EXPLAINED = f"{HEAD}\n--   judged_by: Правила. Какие."
SELECT = """SELECT
    1 AS position,
    s.school_code,
    left(s.name, 3) || ', ' AS school_name{more}
FROM core.x_at(:as_of) s"""


def test_what_a_select_does_not_say_is_completed(tmp_path: Path) -> None:
    mart = read_mart(write(tmp_path, EXPLAINED, SELECT.format(more="")))
    tail = ["judged_by", "by_older_rules", "completeness", "known_at", "is_final"]
    assert list(mart.columns) == ["region", "as_of", "position", "school_code", "school_name", *tail]
    assert "told.school_name, state.judged_by" in mart.statement
    assert "s.forms = 'school_register, readiness_report'" in mart.statement
    resting = read_mart(write(tmp_path, EXPLAINED, SELECT.format(more=",\n    s.reading_id,\n    x.known_at")))
    assert list(resting.columns) == list(mart.columns)
    assert "reading.judged_by, reading.by_older_rules, state.completeness, told.known_at" in resting.statement


BANDED = f"{EXPLAINED}\n-- Показатель: held_rate = position / position; полоса: held_band «П»{{}}; совокупность: школы."
WORDS = "\n".join(f"--   {name}: Опыт. Опыт." for name in ("held_rate", "held_band", "held_band_rule_version"))


@pytest.mark.parametrize("of_set", ["", " из набора events"])
def test_a_band_may_be_of_a_rule_set_of_its_own(tmp_path: Path, of_set: str) -> None:
    columns = ",\n    s.held_rate,\n    s.held_band,\n    s.held_band_rule_version"
    mart = read_mart(write(tmp_path, f"{BANDED.format(of_set)}\n{WORDS}", SELECT.format(more=columns)))
    (rate,) = mart.stated.rates
    assert (rate.rule_set, mart.rule_of(rate)) == (of_set.rpartition(" ")[2], "held_band_rule_version")
    (select,) = [select for name, select in checks([mart]) if name == "bands"]
    assert "m.held_band_rule_version, m.held_rate" in select


def test_sets_of_rules_that_marts_name_are_in_the_shipped_pack() -> None:
    named = {rate.rule_set for mart in (*marts(), *views()) for rate in mart.stated.rates} - {""}
    assert named <= {line.get("rule_set", "") for line in regions()[0].lines("band_rules")}


@pytest.mark.parametrize(
    ("head", "more", "wrong"),
    [
        (HEAD, "", "judged_by"),
        (EXPLAINED, ",\n    s.unheard_of", "unheard_of"),
        (EXPLAINED + "\n--   school: Школа. Какая.", "", "school$"),
        ("-- Выдумка.", "", "Ключ"),
        (HEAD.replace("-- Доступ: регион.\n", ""), "", "says once «Доступ"),
        (HEAD.replace("регион", "кто угодно"), "", "says once «Доступ"),
        (HEAD.replace("регион.", "единица по reporting_unit."), "", "does not yield: reporting_unit"),
        (HEAD + "\n--nothing of a comment", "", "neither prose nor a column"),
        (KEY, "", "of a mart of schools, units or senders says"),
        (f"{KEY}\n-- Меры: pupils.", "", "does not yield: pupils"),
        (f"{KEY}\n-- Меры: first second.", "", "^invented.sql: this is no column of a list: first second"),
        (f"{HEAD}\n-- Мера: position.", "", "states nothing: Мера"),
        (f"{KEY}\n-- Меры: position", "", "states nothing: Меры: position$"),
        (f"{KEY}\n-- Показатель: rate = schools; совокупность: школы.", "", "states nothing"),
        (f"{HEAD}\n-- Показатель: a = a / a; полоса: a «А»; совокупность: школы.", ",\n    s.a", "band_rule_version"),
        (
            BANDED.format(" из набора events"),
            ",\n    s.held_rate,\n    s.held_band,\n    s.band_rule_version",
            "no held_b",
        ),
        (f"{HEAD}\n-- Ночь 1: Выдумка; position «№».", "", "of reporting units"),
        (f"{HEAD}\n-- Темп: position из position на as_of.", "", "a pace is of a published mart of reporting units"),
        (f"{HEAD}\n-- Темп: position из plan на as_of.", "", "does not yield: plan"),
        (HEAD.replace("school_code;", "school_code, position;") + "\n-- Состояния: school_name.", "", "is corrected"),
    ],
)
def test_a_file_that_does_not_explain_itself_is_refused(tmp_path: Path, head: str, more: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        read_mart(write(tmp_path, head, SELECT.format(more=more)))
