-- Which version of an input judges a date, and what it says. Applied whenever this file changes.
--
-- A date of a region is judged by the versions by which it was first published, unless a backfill that is applied says otherwise; one
-- that is not published, by the last version whose date has come. What is told live (reminders, incidents) follows the
-- inputs as they stand now: the tables ref.campaign, ref.sender, ref.calendar_day.

-- The backfill whose proposals count as if they were applied; none in an ordinary session.
CREATE OR REPLACE FUNCTION ops.backfill_tried() RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT nullif(current_setting('profmin.backfill', true), '')::bigint
$$;

-- The inputs of a region of some names: one that all regions share (of the region ''), and its own.
CREATE FUNCTION ref.inputs_named(of_region text, asked text[])
RETURNS TABLE (input_region text, input text) LANGUAGE sql STABLE AS $$
    SELECT DISTINCT v.region, v.input FROM ref.input_version v WHERE v.region IN ('', of_region) AND v.input = ANY (asked)
$$;

-- The version that judges a date that was not published.
CREATE FUNCTION ref.input_due(input_region text, asked text, day date) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT v.input_version FROM ref.input_version v
    WHERE v.region = $1 AND v.input = asked AND v.holds AND v.judges_from <= day
    ORDER BY v.position DESC LIMIT 1
$$;

-- The version that judges a date of a region.
CREATE FUNCTION ref.input_at(of_region text, input_region text, asked text, day date)
RETURNS bigint LANGUAGE sql STABLE SET search_path = '' AS $$
    SELECT coalesce(
        (SELECT o.version_after FROM ops.backfill_input o
         JOIN ops.backfill b ON b.backfill_id = o.backfill_id
         WHERE o.as_of = day AND o.input_region = $2 AND o.input = asked AND b.region = of_region
           AND (b.status = 'applied' OR b.backfill_id = ops.backfill_tried())
         ORDER BY b.status <> 'applied' DESC, b.applied_at DESC LIMIT 1),
        (SELECT d.input_version FROM ops.date_input d
         WHERE d.region = of_region AND d.as_of = day AND d.input_region = $2 AND d.input = asked),
        ref.input_due($2, asked, day)
    )
$$;

-- The version by which a backfill judges a date anew: the last one whose date has come, or one that nobody has listed, since
-- nobody has said from when it judges; or the last of a name.
CREATE FUNCTION ref.input_anew(input_region text, asked text, day date, named text)
RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT v.input_version FROM ref.input_version v
    WHERE v.region = $1 AND v.input = asked AND v.holds
      AND CASE WHEN named IS NULL THEN v.judges_from <= day OR v.version = 'не записана' ELSE v.version = named END
    ORDER BY v.position DESC LIMIT 1
$$;

-- The lines of the versions that judge a date of a region, as JSON; each says in `region` whose it is, and nothing where
-- all regions share it.
CREATE FUNCTION ref.input_lines(of_region text, asked text, day date)
RETURNS jsonb LANGUAGE sql STABLE SET search_path = '' AS $$
    SELECT jsonb_agg(l.line || jsonb_build_object('region', n.input_region) ORDER BY n.input_region, l.place)
    FROM ref.inputs_named(of_region, ARRAY[asked]) n
    JOIN ref.input_version v ON v.input_version = ref.input_at(of_region, n.input_region, n.input, day)
    CROSS JOIN LATERAL jsonb_array_elements(v.lines) WITH ORDINALITY AS l (line, place)
$$;

-- By which versions of some inputs a date of a region is judged, in a line: «campaigns 2023; calendar не записана». A table
-- that is not there (input_versions.py) is not told.
CREATE FUNCTION ref.judged_by(of_region text, day date, asked text[]) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT string_agg(j.said, '; ' ORDER BY j.place, j.said)
    FROM (
        SELECT DISTINCT i.place, i.input || ' ' || v.version AS said
        FROM unnest(asked) WITH ORDINALITY AS i (input, place)
        JOIN ref.inputs_named(of_region, asked) n ON n.input = i.input
        JOIN ref.input_version v ON v.input_version = ref.input_at(of_region, n.input_region, n.input, day)
            AND v.version <> 'нет'
    ) j
$$;
