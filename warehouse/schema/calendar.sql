-- Working days. Applied whenever this file changes; the exceptions are data in ref.calendar_day, and in the version of
-- the calendar that judges a date: functions with a calendar count by it, the others by the calendar as it is now.

-- A region's own exception comes before the country's.
CREATE FUNCTION ref.is_working_day(of_region text, day date) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        (SELECT e.is_working FROM ref.calendar_day e WHERE e.day = $2 AND e.region IN ('', of_region)
         ORDER BY e.region DESC LIMIT 1),
        extract(isodow FROM $2) < 6
    )
$$;

-- The day that is so many working days after (before, when negative) a day; 0 is the day itself if it is worked, else the
-- next one that is. Days are counted as dates: in a session whose zone has days without a midnight a series of moments
-- loses its last one.
CREATE FUNCTION ref.add_working_days(of_region text, day date, days integer)
RETURNS date LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN days < 0 THEN
        (SELECT $2 - n FROM generate_series(1, 20 - 2 * days) AS n
         WHERE ref.is_working_day(of_region, $2 - n) ORDER BY n OFFSET -days - 1 LIMIT 1)
    ELSE
        (SELECT $2 + n FROM generate_series(sign(days)::integer, 20 + 2 * days) AS n
         WHERE ref.is_working_day(of_region, $2 + n) ORDER BY n OFFSET greatest(days - 1, 0) LIMIT 1)
    END
$$;

-- How many working days have passed after a day up to and with another one; negative when it lies before.
CREATE FUNCTION ref.working_days_between(of_region text, from_day date, to_day date)
RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT sign(to_day - from_day)::integer * count(*)::integer
    FROM generate_series(1, abs(to_day - from_day)) AS n
    WHERE ref.is_working_day(of_region, least(from_day, to_day) + n)
$$;

-- The exceptions by which a date of a region is judged: {"2023-11-06": false, …}.
CREATE FUNCTION ref.calendar_at(of_region text, day date) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_object_agg(e.day, e.is_working ORDER BY e.region), '{}')
    FROM jsonb_to_recordset(ref.input_lines(of_region, 'calendar', $2)) AS e (region text, day text, is_working boolean)
$$;

-- The exceptions as they are now.
CREATE FUNCTION ref.calendar_now(of_region text) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_object_agg(e.day, e.is_working ORDER BY e.region), '{}')
    FROM ref.calendar_day e WHERE e.region IN ('', of_region)
$$;

CREATE FUNCTION ref.is_working_day(day date, calendar jsonb) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce((calendar ->> to_char(day, 'YYYY-MM-DD'))::boolean, extract(isodow FROM day) < 6)
$$;

-- So many working days after a day; 0 is the day itself if it is worked, else the next one that is.
CREATE FUNCTION ref.add_working_days(day date, days integer, calendar jsonb) RETURNS date LANGUAGE sql STABLE AS $$
    SELECT $1 + n FROM generate_series(sign(days)::integer, 40 + 2 * days) AS n
    WHERE ref.is_working_day($1 + n, $3) ORDER BY n OFFSET greatest(days - 1, 0) LIMIT 1
$$;

CREATE FUNCTION ref.working_days_between(from_day date, to_day date, calendar jsonb) RETURNS integer
LANGUAGE sql STABLE AS $$
    SELECT sign(to_day - from_day)::integer * count(*)::integer
    FROM generate_series(1, abs(to_day - from_day)) AS n
    WHERE ref.is_working_day(least(from_day, to_day) + n, calendar)
$$;
