"""Levels, directions and profiles of the programme and the standings of a school as lists of the warehouse, the norms
and targets of a day, and what level each school has chosen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from contracts.form import Form
from contracts.vocabulary import rows, words
from warehouse.schema.facts import literal

LISTS = """
-- Views of BI stand on them: they are replaced and never dropped.
CREATE OR REPLACE VIEW ref.level AS SELECT * FROM (VALUES {levels}) AS l (level, name, "position");
COMMENT ON VIEW ref.level IS 'Уровни Профминимума. Строка — уровень; чем дальше по порядку, тем больше часов в год.';
CREATE OR REPLACE VIEW ref.direction AS SELECT * FROM (VALUES {directions}) AS d (direction, name, "position");
COMMENT ON VIEW ref.direction IS 'Направления Профминимума. Строка — одно из шести, из них складываются часы уровня.';
CREATE OR REPLACE VIEW ref.preparation_direction AS
SELECT * FROM (VALUES {preparations}) AS d (direction, name, "position");
COMMENT ON VIEW ref.preparation_direction IS 'Направления подготовки. Строка — направление, как на слайдах.';
CREATE OR REPLACE VIEW ref.profile_kind AS SELECT * FROM (VALUES {profiles}) AS p (profile_kind, name, "position");
COMMENT ON VIEW ref.profile_kind IS 'Профили предпрофессиональных классов. Строка — один из открытого списка.';
CREATE OR REPLACE VIEW ref.study_form AS SELECT * FROM (VALUES {study_forms}) AS s (study_form, name, "position");
COMMENT ON VIEW ref.study_form IS 'Формы обучения. Строка — одна из них.';
CREATE OR REPLACE VIEW ref.system_standing AS SELECT * FROM (VALUES {standings}) AS s (system, standing, name);
COMMENT ON VIEW ref.system_standing IS 'Состояния школы. Строка — состояние одной из систем, словами.';
CREATE OR REPLACE VIEW ref.system AS SELECT * FROM (VALUES {systems}) AS s
    ("position", system, name, title, form, shown_mart, mart, figure, whole, lacks, lacks_words, band_rule,
     no_figure);
COMMENT ON VIEW ref.system IS 'Системы источника. Строка — система, и какая цифра какой витрины о ней говорит.';

-- Academic hours a year of a level in a direction, by the newest model of the day. A direction that is no part of a
-- level has no row: it is not nought.
CREATE FUNCTION ref.level_norm_at(of_region text, day date)
RETURNS TABLE (level text, direction text, hours numeric, model_version text) LANGUAGE sql STABLE AS $$
    SELECT n.level, n.direction, n.hours, n.model_version
    FROM (
        SELECT n.*, max(n.model_version) OVER () AS newest
        FROM jsonb_to_recordset((SELECT ref.input_lines(of_region, 'level_norms', day))) AS n (
            model_version text, level text, direction text, hours numeric)
    ) n
    WHERE n.model_version = n.newest
$$;

-- What share of the pupils is to take part in events, and what share is to have the course: two populations.
CREATE FUNCTION ref.coverage_target_at(of_region text, day date) RETURNS TABLE (events numeric, course numeric)
LANGUAGE sql STABLE AS $$
    SELECT (array_agg(t.target ORDER BY t.model_version DESC) FILTER (WHERE t.population = 'events'))[1],
        (array_agg(t.target ORDER BY t.model_version DESC) FILTER (WHERE t.population = 'course'))[1]
    FROM jsonb_to_recordset((SELECT ref.input_lines(of_region, 'coverage_targets', day))) AS t (
        model_version text, population text, target numeric)
$$;
"""
# A school that its sender's list does not name has no figures, and neither has one whose sender sent none.
OF_SCHOOLS = """
CREATE FUNCTION core.levels_at(of_region text, day date, known timestamptz)
RETURNS TABLE (school_id bigint, school_code text, short_name text, territory text, subordination text,
               pupils_6_11 bigint, reading_id bigint, level text, stated_level text, classes bigint,
               classes_basic bigint, classes_main bigint, classes_advanced bigint, pupils bigint, pupils_ovz bigint,
               pupils_planned bigint)
LANGUAGE sql STABLE ROWS 20000 SET search_path = '' AS $$
    WITH held AS MATERIALIZED (
        SELECT h.reading_id, h.sender FROM ops.reading_at(of_region, day, known) h WHERE h.form = 'level_choice'
    ),
    chosen AS MATERIALIZED (
        SELECT h.reading_id, f.school_id, max(v.position) AS place, max(f.school_level) AS stated_level,
            count(*) AS classes,
            count(*) FILTER (WHERE f.level = 'basic') AS classes_basic,
            count(*) FILTER (WHERE f.level = 'main') AS classes_main,
            count(*) FILTER (WHERE f.level = 'advanced') AS classes_advanced,
            sum(f.pupils)::bigint AS pupils, sum(f.pupils_ovz)::bigint AS pupils_ovz,
            sum(f.pupils_planned)::bigint AS pupils_planned
        FROM held h
        CROSS JOIN LATERAL (SELECT * FROM core.level_choice_fact e WHERE e.reading_id = h.reading_id OFFSET 0) f
        JOIN ref.level v ON v.level = f.level
        GROUP BY h.reading_id, f.school_id
    )
    SELECT s.school_id, s.school_code, s.short_name, s.territory, s.subordination, coalesce(s.pupils_6_11, c.pupils),
        h.reading_id, v.level, c.stated_level, c.classes, c.classes_basic, c.classes_main, c.classes_advanced,
        c.pupils, c.pupils_ovz, c.pupils_planned
    FROM ref.school_at(of_region, day, known) s
    LEFT JOIN held h ON h.sender = s.subordination
    LEFT JOIN chosen c ON c.reading_id = h.reading_id AND c.school_id = s.school_id
    LEFT JOIN ref.level v ON v.position = c.place
    WHERE s.in_register
$$;
"""


OF_FIGURES = ("mart", "figure", "of", "lacks", "lacks_words", "band_rule", "no_figure")
"""Columns of the vocabulary system_figures, in the order of `ref.system`."""


def levels(forms: Sequence[Form]) -> str:
    """The script of the lists, and of `core.levels_at` where the form is that tells levels."""
    lists = LISTS.format(
        levels=_lines("levels"), directions=_lines("directions"), profiles=_lines("profile_kinds"),
        study_forms=_lines("study_forms"),
        preparations=_lines("preparation_directions"),
        standings=", ".join(f"({', '.join(map(literal, row.values()))})" for row in rows("system_standings")),
        systems=", ".join(_systems()),
    )  # fmt: skip
    return lists + OF_SCHOOLS * any(form.name == "level_choice" for form in forms)


def _systems() -> Iterator[str]:
    """The systems of the source in their order, each with the figure that tells of it, as lines of VALUES."""
    figures = {row["system"]: row for row in rows("system_figures")}
    for n, row in enumerate(rows("systems"), start=1):
        told = figures.get(row["system"], {})
        texts = [row["system"], row["name"], row["title"], row["forms"].partition(" ")[0], row["mart"]]
        texts += [told.get(name, "") for name in OF_FIGURES]
        yield f"({n}, {', '.join(literal(text) if text else 'NULL::text' for text in texts)})"


def _lines(vocabulary: str) -> str:
    """Code, first word and place of each code of a vocabulary, as lines of VALUES."""
    first: dict[str, str] = {}
    for word, code in words(vocabulary).items():
        first.setdefault(code, word[:1].upper() + word[1:])
    return ", ".join(f"({literal(code)}, {literal(word)}, {n})" for n, (code, word) in enumerate(first.items(), 1))
