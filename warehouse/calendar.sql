-- Working days. Applied whenever this file changes; the exceptions are data in ref.calendar_day.

-- Whose calendar it is: the first two digits of ОКТМО.
CREATE OR REPLACE FUNCTION ref.region() RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT '69' $$;

-- A region's own exception comes before the country's.
CREATE OR REPLACE FUNCTION ref.is_working_day(day date) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        (SELECT e.is_working FROM ref.calendar_day e WHERE e.day = $1 AND e.region IN ('', ref.region())
         ORDER BY e.region DESC LIMIT 1),
        extract(isodow FROM $1) < 6
    )
$$;

-- The day that is so many working days after (before, when negative) a day; 0 is the day itself if it is worked, else the
-- next one that is.
CREATE OR REPLACE FUNCTION ref.add_working_days(day date, days integer) RETURNS date LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN days < 0 THEN
        (SELECT d::date FROM generate_series($1 - 1, $1 + 2 * days - 20, interval '-1 day') AS d
         WHERE ref.is_working_day(d::date) ORDER BY d DESC OFFSET -days - 1 LIMIT 1)
    ELSE
        (SELECT d::date FROM generate_series($1 + CASE WHEN days > 0 THEN 1 ELSE 0 END, $1 + 2 * days + 20, interval '1 day') AS d
         WHERE ref.is_working_day(d::date) ORDER BY d OFFSET greatest(days - 1, 0) LIMIT 1)
    END
$$;

-- How many working days have passed after a day up to and with another one; negative when it lies before.
CREATE OR REPLACE FUNCTION ref.working_days_between(from_day date, to_day date) RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN to_day >= from_day THEN
        (SELECT count(*)::integer FROM generate_series(from_day + 1, to_day, interval '1 day') AS d
         WHERE ref.is_working_day(d::date))
    ELSE
        (SELECT -count(*)::integer FROM generate_series(to_day + 1, from_day, interval '1 day') AS d
         WHERE ref.is_working_day(d::date))
    END
$$;
