"""Levels and directions of the programme as lists of the warehouse, from the vocabularies, and the norms of a day."""

from __future__ import annotations

from contracts.vocabulary import words
from warehouse.schema.facts import literal

SCRIPT = """
DROP VIEW IF EXISTS ref.level;
DROP VIEW IF EXISTS ref.direction;
DROP FUNCTION IF EXISTS ref.level_norm_at(date);
CREATE VIEW ref.level AS SELECT * FROM (VALUES {levels}) AS l (level, name, "position");
COMMENT ON VIEW ref.level IS 'Уровни Профминимума. Строка — уровень; чем дальше по порядку, тем больше часов в год.';
CREATE VIEW ref.direction AS SELECT * FROM (VALUES {directions}) AS d (direction, name, "position");
COMMENT ON VIEW ref.direction IS 'Направления Профминимума. Строка — одно из шести, из них складываются часы уровня.';

-- Academic hours a year of a level in a direction, by the model that is in force on a day. A direction that is no part
-- of a level has no row: it is not nought.
CREATE FUNCTION ref.level_norm_at(day date)
RETURNS TABLE (level text, direction text, hours numeric, model_version text) LANGUAGE sql STABLE AS $$
    SELECT n.level, n.direction, n.hours, n.model_version
    FROM (
        SELECT n.*, max(n.model_version) OVER () AS newest
        FROM jsonb_to_recordset((SELECT ref.input_lines('level_norms', day))) AS n (
            model_version text, level text, direction text, hours numeric)
    ) n
    WHERE n.model_version = n.newest
$$;
"""


def levels() -> str:
    """The script that makes `ref.level`, `ref.direction` and `ref.level_norm_at`."""
    return SCRIPT.format(levels=_lines("levels"), directions=_lines("directions"))


def _lines(vocabulary: str) -> str:
    """Code, first word and place of each code of a vocabulary, as lines of VALUES."""
    first: dict[str, str] = {}
    for word, code in words(vocabulary).items():
        first.setdefault(code, word[:1].upper() + word[1:])
    return ", ".join(f"({literal(code)}, {literal(word)}, {n})" for n, (code, word) in enumerate(first.items(), 1))
