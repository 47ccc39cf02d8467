-- Working days. Applied whenever this file changes; the exceptions are data in ref.calendar_day, and in the version of
-- the calendar that judges a date: functions with a calendar count by it, the others by the calendar as it is now.

-- Whose calendar it is: the first region in force.
CREATE OR REPLACE FUNCTION ref.first_region() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT r.region FROM ref.region r WHERE r.is_listed ORDER BY r.position LIMIT 1
$$;

-- A region's own exception comes before the country's.
CREATE OR REPLACE FUNCTION ref.is_working_day(day date) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        (SELECT e.is_working FROM ref.calendar_day e WHERE e.day = $1 AND e.region IN ('', ref.first_region())
         ORDER BY e.region DESC LIMIT 1),
        extract(isodow FROM $1) < 6
    )
$$;

-- The day that is so many working days after (before, when negative) a day; 0 is the day itself if it is worked, else the
-- next one that is. Days are counted as dates: in a session whose zone has days without a midnight a series of moments
-- loses its last one.
CREATE OR REPLACE FUNCTION ref.add_working_days(day date, days integer) RETURNS date LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN days < 0 THEN
        (SELECT $1 - n FROM generate_series(1, 20 - 2 * days) AS n
         WHERE ref.is_working_day($1 - n) ORDER BY n OFFSET -days - 1 LIMIT 1)
    ELSE
        (SELECT $1 + n FROM generate_series(sign(days)::integer, 20 + 2 * days) AS n
         WHERE ref.is_working_day($1 + n) ORDER BY n OFFSET greatest(days - 1, 0) LIMIT 1)
    END
$$;

-- How many working days have passed after a day up to and with another one; negative when it lies before.
CREATE OR REPLACE FUNCTION ref.working_days_between(from_day date, to_day date) RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT sign(to_day - from_day)::integer * count(*)::integer
    FROM generate_series(1, abs(to_day - from_day)) AS n
    WHERE ref.is_working_day(least(from_day, to_day) + n)
$$;

-- The exceptions by which a date is judged: {"2023-11-06": false, …}.
CREATE OR REPLACE FUNCTION ref.calendar_at(day date) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_object_agg(e.day, e.is_working ORDER BY e.region), '{}')
    FROM jsonb_to_recordset(ref.input_lines('calendar', $1)) AS e (region text, day text, is_working boolean)
    WHERE e.region IN ('', ref.first_region())
$$;

-- The exceptions as they are now.
CREATE OR REPLACE FUNCTION ref.calendar_now() RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_object_agg(e.day, e.is_working ORDER BY e.region), '{}')
    FROM ref.calendar_day e WHERE e.region IN ('', ref.first_region())
$$;

CREATE OR REPLACE FUNCTION ref.is_working_day(day date, calendar jsonb) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce((calendar ->> to_char(day, 'YYYY-MM-DD'))::boolean, extract(isodow FROM day) < 6)
$$;

-- So many working days after a day; 0 is the day itself if it is worked, else the next one that is.
CREATE OR REPLACE FUNCTION ref.add_working_days(day date, days integer, calendar jsonb) RETURNS date LANGUAGE sql STABLE AS $$
    SELECT $1 + n FROM generate_series(sign(days)::integer, 40 + 2 * days) AS n
    WHERE ref.is_working_day($1 + n, $3) ORDER BY n OFFSET greatest(days - 1, 0) LIMIT 1
$$;
DROP FUNCTION IF EXISTS ref.next_working_day(date, jsonb);

CREATE OR REPLACE FUNCTION ref.working_days_between(from_day date, to_day date, calendar jsonb) RETURNS integer
LANGUAGE sql STABLE AS $$
    SELECT sign(to_day - from_day)::integer * count(*)::integer
    FROM generate_series(1, abs(to_day - from_day)) AS n
    WHERE ref.is_working_day(least(from_day, to_day) + n, calendar)
$$;
