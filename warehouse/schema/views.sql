-- What marts are built from: the same question («what held on a day, as known at a moment») is answered once, here.
-- Applied whenever this file changes; nothing here holds data.
--
-- Functions with a SET clause are not inlined, and the planner believes their ROWS: inlined, it expects one row of each
-- and joins 40 000 schools by nested loops.
--
-- Facts of the readings that hold are asked for reading by reading, LATERAL and with OFFSET 0, which the planner does not
-- take apart: a join it does by reading the facts of all history, and a night would cost more with each night before it.
--
-- The region is the first argument of whatever answers for a day: readings of other regions are not looked at, which
-- `reading_region` (an index) is for, and names that recur between regions never meet.

-- First calendar year of the academic year: 1 September to 31 August.
CREATE FUNCTION ref.academic_year(day date) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT extract(year FROM day)::integer - CASE WHEN extract(month FROM day) < 9 THEN 1 ELSE 0 END
$$;

-- The last day of lessons of the academic year of a day.
CREATE FUNCTION ref.lessons_end(day date) RETURNS date LANGUAGE sql IMMUTABLE AS $$
    SELECT make_date(ref.academic_year(day) + 1, 5, 31)
$$;

-- The days of the academic year of a day on which a lesson may stand: not a Sunday, no public holiday, no school holidays.
-- Those that a region states for an academic year come in place of the country's. Of a year without listed holidays none is
-- known.
CREATE FUNCTION ref.lesson_days_at(of_region text, day date) RETURNS TABLE (lesson_day date)
LANGUAGE sql STABLE ROWS 200 SET search_path = '' AS $$
    WITH listed AS (
        SELECT h.from_day, h.to_day, h.region <> '' AS is_own
        FROM jsonb_to_recordset((SELECT ref.input_lines(of_region, 'school_holidays', day))) AS h (
            region text, from_day date, to_day date)
        WHERE ref.academic_year(h.from_day) = ref.academic_year(day)
    )
    SELECT d.day
    FROM (SELECT ref.calendar_at(of_region, day) AS exceptions OFFSET 0) c -- once, and not for each day
    CROSS JOIN LATERAL (
        SELECT make_date(ref.academic_year(day), 9, 1) + n AS day
        FROM generate_series(0, ref.lessons_end(day) - make_date(ref.academic_year(day), 9, 1)) AS n
    ) d
    WHERE extract(isodow FROM d.day) < 7 AND coalesce((c.exceptions ->> to_char(d.day, 'YYYY-MM-DD'))::boolean, true)
      AND EXISTS (SELECT FROM listed)
      AND NOT EXISTS (SELECT FROM listed h WHERE d.day BETWEEN h.from_day AND h.to_day
                        AND h.is_own = (SELECT bool_or(o.is_own) FROM listed o))
$$;

-- The first day of the month that is over on a day: the last whole one before it.
CREATE FUNCTION ref.month_over(day date) RETURNS date LANGUAGE sql IMMUTABLE AS $$
    SELECT (date_trunc('month', day::timestamp) - interval '1 month')::date
$$;

-- The time zone of a sender's region.
CREATE FUNCTION ref.time_zone(of_sender text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT r.time_zone FROM ref.sender s JOIN ref.region r ON r.region = s.region WHERE s.sender = of_sender
$$;

-- The day that the wall calendar of a sender's region showed; of nobody there is none, see ref.region_date.
CREATE FUNCTION ref.local_date(moment timestamptz, of_sender text) RETURNS date LANGUAGE sql STABLE AS $$
    SELECT (moment AT TIME ZONE ref.time_zone(of_sender))::date
$$;

-- The time zone of a region; of no region that of the country (contracts.regions.COUNTRY_ZONE).
CREATE FUNCTION ref.region_time_zone(of_region text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT r.time_zone FROM ref.region r WHERE r.region = of_region), 'Europe/Moscow')
$$;

-- The day that the wall calendar of a region showed.
CREATE FUNCTION ref.region_date(of_region text, moment timestamptz) RETURNS date LANGUAGE sql STABLE AS $$
    SELECT (moment AT TIME ZONE ref.region_time_zone(of_region))::date
$$;

-- When a delivery came, for whoever asks whether it came in time: as the channel says that vouches for the times of its
-- files, else when we saw it first. A file's own time is a claim and decides nothing.
CREATE FUNCTION ops.came_at(delivery ops.delivery) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN delivery.is_vouched THEN delivery.claimed_at ELSE delivery.received_at END
$$;

-- Did a reading come of a run, by its status? One of a backfill that is not applied, or was taken back, did not.
CREATE FUNCTION ops.came_of_run(status text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT status NOT IN ('proposed', 'reverted', 'unfinished')
$$;

-- Had a reading counted by a moment, and was it not taken back by then? One of the backfill that is tried counts already.
CREATE FUNCTION ops.had_counted(reading ops.reading, known timestamptz) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT (reading.became_current_at <= known AND NOT (reading.status = 'reverted' AND reading.superseded_at <= known))
        OR (reading.status = 'proposed' AND reading.backfill_id = ops.backfill_tried())
$$;

-- May two documents of a form and a sender be of one slice? What is not known of one of them may be the same.
CREATE FUNCTION ops.may_share_slice(period text, campaign text, other_campaign text, as_of date, other_as_of date)
RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE period
        WHEN 'campaign' THEN coalesce(campaign = other_campaign, true)
        WHEN 'academic_year' THEN coalesce(ref.academic_year(as_of) = ref.academic_year(other_as_of), true)
        WHEN 'month' THEN coalesce(date_trunc('month', as_of::timestamp) = date_trunc('month', other_as_of::timestamp), true)
        ELSE coalesce(as_of = other_as_of, true)
    END
$$;

-- May a document of a form hold on a day on which a campaign (or none) runs?
CREATE FUNCTION ops.may_hold(form ref.form, campaign text, as_of date, running text, day date)
RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT (as_of <= day OR form.holds_before_first) AND CASE
        WHEN form.period = 'campaign' THEN campaign = running
        WHEN form.period IN ('academic_year', 'month', 'night') THEN ref.academic_year(as_of) = ref.academic_year(day)
        ELSE true
    END
$$;

CREATE FUNCTION ref.unit_at(of_region text, day date)
RETURNS TABLE (reporting_unit text, name text, kind text, oktmo text, "position" smallint) LANGUAGE sql STABLE AS $$
    SELECT u.reporting_unit, u.name, u.kind, u.oktmo, u.position
    FROM jsonb_to_recordset((SELECT ref.input_lines(of_region, 'reporting_units', day))) AS u (
        reporting_unit text, name text, kind text, oktmo text, "position" smallint, valid_from date, valid_to date)
    WHERE day BETWEEN u.valid_from AND u.valid_to
$$;

-- The campaign that runs on a day, one a form: the last one started for the academic year; August prepares the next one.
-- Of two that start together the one with the later deadline.
CREATE FUNCTION ref.campaign_at(of_region text, day date)
RETURNS TABLE (campaign_form text, campaign text, starts_on date, deadline date, title text) LANGUAGE sql STABLE AS $$
    SELECT DISTINCT ON (c.form) c.form, c.campaign, c.starts_on, c.deadline, c.title
    FROM jsonb_to_recordset((SELECT ref.input_lines(of_region, 'campaigns', day))) AS c (
        campaign text, form text, title text, academic_year integer, starts_on date, deadline date)
    WHERE c.starts_on <= day AND c.academic_year = ref.academic_year(day + 31)
    ORDER BY c.form, c.starts_on DESC, c.deadline DESC, c.campaign
$$;

-- Every sender of a region that we ever knew, by the name that it has on the day.
CREATE FUNCTION ref.sender_at(of_region text, day date)
RETURNS TABLE (sender text, name text, kind text, is_listed boolean) LANGUAGE sql STABLE AS $$
    SELECT s.sender, coalesce(v.name, s.name), coalesce(v.kind, s.kind), v.sender IS NOT NULL
    FROM ref.sender s
    LEFT JOIN jsonb_to_recordset((SELECT ref.input_lines(of_region, 'senders', day))) AS v (sender text, name text, kind text)
        ON v.sender = s.sender
    WHERE s.region = of_region
$$;

-- The span for which a form is owed on a day: the night itself, the month that is over if it is one of those, the academic
-- year. No row for a month of which nothing is owed; nulls where no such span is, or where it is the campaign's.
CREATE FUNCTION ref.span_owed(form ref.form, day date) RETURNS TABLE (owed_from date, owed_to date)
LANGUAGE sql IMMUTABLE AS $$
    SELECT
        CASE form.expected WHEN 'day' THEN day WHEN 'month' THEN ref.month_over(day)
            WHEN 'academic_year' THEN make_date(ref.academic_year(day), 9, 1) END,
        CASE form.expected WHEN 'day' THEN day WHEN 'month' THEN (date_trunc('month', day::timestamp) - interval '1 day')::date
            WHEN 'academic_year' THEN make_date(ref.academic_year(day) + 1, 8, 31) END
    WHERE form.expected <> 'month' OR extract(month FROM ref.month_over(day)) = ANY (form.due_months)
$$;

-- The last day to send what is owed on a day, by a calendar; null where there is none, and of a campaign, which has its
-- own. An export of a day is downloaded the night after, and where nobody works then, on the next working day.
CREATE FUNCTION ref.due_on(form ref.form, day date, calendar jsonb) RETURNS date LANGUAGE sql STABLE AS $$
    SELECT CASE form.expected
        WHEN 'day' THEN ref.add_working_days(day, 1, calendar)
        WHEN 'month' THEN
            ref.add_working_days((date_trunc('month', day::timestamp) - interval '1 day')::date, form.due_working_days, calendar)
        WHEN 'academic_year' THEN
            make_date(ref.academic_year(day) + CASE WHEN form.due_month < 9 THEN 1 ELSE 0 END, form.due_month, form.due_day)
    END
$$;

-- Who owes which form on a day, for which span, and the last day to send it, by the inputs that judge the day.
CREATE FUNCTION ref.roster_at(of_region text, day date)
RETURNS TABLE (form text, sender text, campaign text, deadline date, expected text, owed_from date, owed_to date)
LANGUAGE sql STABLE AS $$
    SELECT f.form, s.sender, CASE f.expected WHEN 'campaign' THEN c.campaign END,
        CASE f.expected WHEN 'campaign' THEN c.deadline ELSE d.due END, f.expected,
        CASE f.expected WHEN 'campaign' THEN c.starts_on ELSE d.owed_from END,
        CASE f.expected WHEN 'campaign' THEN c.deadline ELSE d.owed_to END
    FROM (
        SELECT o.form, ref.due_on(o, day, k.calendar) AS due, p.owed_from, p.owed_to
        FROM (SELECT ref.calendar_at(of_region, day) AS calendar) k
        CROSS JOIN ref.form o
        CROSS JOIN LATERAL ref.span_owed(o, day) p
        LEFT JOIN ref.collected b ON b.region = of_region AND b.form = o.form
        WHERE o.expected <> 'as_published' AND coalesce(p.owed_from, day) >= coalesce(b.collected_from, '-infinity')
    ) d
    JOIN ref.form f ON f.form = d.form
    JOIN ref.sender_at(of_region, day) s ON s.kind = f.sender_kind AND s.is_listed
    LEFT JOIN ref.campaign_at(of_region, day) c ON c.campaign_form = f.campaign_form
    WHERE f.expected <> 'campaign' OR c.campaign IS NOT NULL
$$;

-- Who owes what by the lists as they are now: for reminders and incidents, which tell how things stand.
CREATE VIEW ref.roster AS
SELECT s.region, f.form, s.sender, c.campaign, f.expected, c.starts_on, c.deadline, c.academic_year
FROM ref.form f
JOIN ref.sender s ON s.kind = f.sender_kind AND s.is_listed
LEFT JOIN ref.campaign c ON f.expected = 'campaign' AND c.region = s.region AND c.form = f.campaign_form AND c.is_listed
WHERE f.expected <> 'campaign' OR c.campaign IS NOT NULL;
COMMENT ON VIEW ref.roster IS
    'Кто какую форму обязан прислать. Отсюда «не представлен» — факт, а не пустое место. Срок — кампании; у месяца и '
    'учебного года он зависит от дня, см. ref.roster_now.';

CREATE FUNCTION ref.roster_now(of_region text, day date)
RETURNS TABLE (form text, sender text, campaign text, deadline date, expected text, owed_from date, owed_to date)
LANGUAGE sql STABLE AS $$
    SELECT DISTINCT ON (r.form, r.sender) r.form, r.sender, r.campaign,
        CASE r.expected WHEN 'campaign' THEN r.deadline ELSE d.due END, r.expected,
        CASE r.expected WHEN 'campaign' THEN r.starts_on ELSE d.owed_from END,
        CASE r.expected WHEN 'campaign' THEN r.deadline ELSE d.owed_to END
    FROM (
        SELECT o.form, ref.due_on(o, day, k.calendar) AS due, p.owed_from, p.owed_to
        FROM (SELECT ref.calendar_now(of_region) AS calendar) k
        CROSS JOIN ref.form o
        CROSS JOIN LATERAL ref.span_owed(o, day) p
        LEFT JOIN ref.collected b ON b.region = of_region AND b.form = o.form
        WHERE o.expected <> 'as_published' AND coalesce(p.owed_from, day) >= coalesce(b.collected_from, '-infinity')
    ) d
    JOIN ref.roster r ON r.region = of_region AND r.form = d.form
    WHERE r.campaign IS NULL OR r.starts_on <= day AND r.academic_year = ref.academic_year(day + 31)
    ORDER BY r.form, r.sender, r.starts_on DESC, r.deadline DESC, r.campaign
$$;

-- Who stated for a day, as known at a moment, that there is nothing to report: for its night or the month that is over on
-- it, or for what runs on it, the campaign or the academic year, from the day of the statement on.
CREATE FUNCTION ops.nothing_at(of_region text, day date, known timestamptz)
RETURNS TABLE (form text, sender text, campaign text, stated_at timestamptz, recorded_at timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT n.form, n.sender, n.campaign, n.stated_at, n.recorded_at
    FROM ops.statement n
    JOIN ref.form f ON f.form = n.form
    WHERE n.region = of_region AND n.recorded_at <= known AND coalesce(n.withdrawn_at > known, true)
      AND CASE
          WHEN n.campaign IS NOT NULL THEN
              ref.region_date(of_region, n.stated_at) <= day
              AND n.campaign IN (SELECT c.campaign FROM ref.campaign_at(of_region, day) c)
          WHEN f.expected = 'month' THEN n.as_of = ref.month_over(day)
          WHEN f.expected = 'academic_year' THEN
              ref.region_date(of_region, n.stated_at) <= day AND n.as_of = make_date(ref.academic_year(day), 9, 1)
          ELSE n.as_of = day
      END
$$;

-- The last reading of each delivery of which we knew at a moment. Readings of superseded deliveries are among them: a
-- later date's report does not undo an earlier date. A delivery that its last reading refused has none. `received_at`
-- tells whether it came in time, `counts_at` (then the as-of date, then the delivery) which of two is the newer one.
-- This one is for whoever asks of slices and deliveries, which are of one region by themselves.
CREATE FUNCTION ops.reading_known(known timestamptz)
RETURNS TABLE (region text, reading_id bigint, delivery_id bigint, form text, sender text, campaign text, as_of date,
               slice text, verdict text, received_at timestamptz, became_current_at timestamptz, counts_at timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT r.region, r.reading_id, r.delivery_id, r.form, r.sender, r.campaign, r.as_of, r.slice, r.verdict, ops.came_at(d),
        coalesce(r.became_current_at, r.read_at), d.counts_at
    FROM ops.reading r
    JOIN ops.delivery d ON d.delivery_id = r.delivery_id
    WHERE r.slice IS NOT NULL
      AND ops.had_counted(r, known)
      AND NOT EXISTS (
          SELECT FROM ops.reading n
          WHERE n.delivery_id = r.delivery_id
            AND ops.had_counted(n, known)
            AND (n.status = 'proposed', n.became_current_at, n.reading_id)
                > (r.status = 'proposed', r.became_current_at, r.reading_id)
      )
$$;

CREATE FUNCTION ops.reading_known(of_region text, known timestamptz)
RETURNS TABLE (reading_id bigint, delivery_id bigint, form text, sender text, campaign text, as_of date, slice text,
               verdict text, received_at timestamptz, became_current_at timestamptz, counts_at timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT k.reading_id, k.delivery_id, k.form, k.sender, k.campaign, k.as_of, k.slice, k.verdict, k.received_at,
        k.became_current_at, k.counts_at
    FROM ops.reading_known(known) k
    WHERE k.region = of_region
$$;

-- The one reading of each form and sender that holds on a day, as known at a moment: of the campaign that runs, of the
-- academic year, of the latest month, or the latest as-of date up to the day (a month and a nightly export only within
-- their academic year). The register and a plan hold also before the first date for which we have them.
CREATE FUNCTION ops.reading_at(of_region text, day date, known timestamptz)
RETURNS TABLE (reading_id bigint, delivery_id bigint, form text, sender text, campaign text, as_of date, verdict text,
               received_at timestamptz, became_current_at timestamptz, counts_at timestamptz)
LANGUAGE sql STABLE ROWS 1000 SET search_path = '' AS $$
    SELECT DISTINCT ON (r.form, r.sender)
        r.reading_id, r.delivery_id, r.form, r.sender, r.campaign, r.as_of, r.verdict, r.received_at, r.became_current_at,
        r.counts_at
    FROM ops.reading_known(of_region, known) r
    JOIN ref.form f ON f.form = r.form
    LEFT JOIN ref.campaign_at(of_region, day) c ON c.campaign_form = f.campaign_form
    WHERE ops.may_hold(f, r.campaign, r.as_of, c.campaign, day)
    ORDER BY r.form, r.sender, r.as_of <= day DESC,
        CASE WHEN r.as_of > day THEN r.as_of END,
        CASE WHEN f.period IN ('night', 'none') THEN r.as_of
            WHEN f.period = 'month' THEN date_trunc('month', r.as_of::timestamp)::date END DESC,
        r.counts_at DESC, r.as_of DESC, r.delivery_id DESC, r.reading_id DESC
$$;

-- The one reading of each sender for the month that it owes on a day, whatever came for the running one.
CREATE FUNCTION ops.reading_of_month(of_region text, day date, known timestamptz)
RETURNS TABLE (reading_id bigint, delivery_id bigint, form text, sender text, campaign text, as_of date, verdict text,
               received_at timestamptz, became_current_at timestamptz, counts_at timestamptz)
LANGUAGE sql STABLE ROWS 100 SET search_path = '' AS $$
    SELECT m.* FROM ref.form f
    CROSS JOIN LATERAL ref.span_owed(f, day) o
    CROSS JOIN LATERAL (
        SELECT DISTINCT ON (r.sender)
            r.reading_id, r.delivery_id, r.form, r.sender, r.campaign, r.as_of, r.verdict, r.received_at, r.became_current_at,
            r.counts_at
        FROM ops.reading_known(of_region, known) r
        WHERE r.form = f.form AND r.as_of BETWEEN o.owed_from AND o.owed_to
        ORDER BY r.sender, r.counts_at DESC, r.as_of DESC, r.delivery_id DESC, r.reading_id DESC
    ) m
    WHERE f.expected = 'month'
$$;

-- The one reading of each form and sender in which there is what it owes on a day: of that night, of the month that is
-- over; of all others what holds.
CREATE FUNCTION ops.reading_owed(of_region text, day date, known timestamptz)
RETURNS TABLE (reading_id bigint, delivery_id bigint, form text, sender text, campaign text, as_of date, verdict text,
               received_at timestamptz, became_current_at timestamptz, counts_at timestamptz)
LANGUAGE sql STABLE ROWS 1000 SET search_path = '' AS $$
    SELECT h.* FROM ops.reading_at(of_region, day, known) h
    JOIN ref.form f ON f.form = h.form
    WHERE f.expected <> 'month' AND (f.expected <> 'day' OR h.as_of = day)
    UNION ALL
    SELECT * FROM ops.reading_of_month(of_region, day, known)
$$;

-- The one reading of a form for each sender and slice (month, night, campaign) of the academic year of a day, up to it.
CREATE FUNCTION ops.readings_of_year(of_region text, day date, known timestamptz, form text)
RETURNS TABLE (reading_id bigint, delivery_id bigint, sender text, campaign text, as_of date, slice text, verdict text,
               received_at timestamptz, became_current_at timestamptz, counts_at timestamptz)
LANGUAGE sql STABLE ROWS 1000 SET search_path = '' AS $$
    SELECT DISTINCT ON (r.sender, r.slice)
        r.reading_id, r.delivery_id, r.sender, r.campaign, r.as_of, r.slice, r.verdict, r.received_at, r.became_current_at,
        r.counts_at
    FROM ops.reading_known(of_region, known) r
    WHERE r.form = $4 AND r.as_of BETWEEN make_date(ref.academic_year(day), 9, 1) AND day
    ORDER BY r.sender, r.slice, r.counts_at DESC, r.as_of DESC, r.delivery_id DESC, r.reading_id DESC
$$;

-- Snapshots of exactly these days, one a sender and day, whatever the academic year: where there is none, there is none.
CREATE FUNCTION ops.export_of(of_region text, form text, days date[], known timestamptz)
RETURNS TABLE (reading_id bigint, sender text, as_of date, became_current_at timestamptz)
LANGUAGE sql STABLE ROWS 10 SET search_path = '' AS $$
    SELECT DISTINCT ON (r.sender, r.as_of) r.reading_id, r.sender, r.as_of, r.became_current_at
    FROM ops.reading_known(of_region, known) r
    WHERE r.form = $2 AND r.as_of = ANY (days)
    ORDER BY r.sender, r.as_of, r.counts_at DESC, r.delivery_id DESC, r.reading_id DESC
$$;

-- What stands at each sender's door on a day: the reading that holds, and a refused delivery sent after it. A refused file
-- of a month stands until something newer comes for that month, and as long as the month is owed.
CREATE FUNCTION ops.standing_at(of_region text, day date, known timestamptz)
RETURNS TABLE (reading_id bigint, form text, sender text, as_of date, verdict text, received_at timestamptz,
               became_current_at timestamptz) LANGUAGE sql STABLE ROWS 1000 SET search_path = '' AS $$
    WITH held AS MATERIALIZED (SELECT * FROM ops.reading_at(of_region, day, known)),
    refused AS (
        SELECT DISTINCT ON (r.form, r.sender)
            r.reading_id, r.form, r.sender, r.as_of, r.verdict, ops.came_at(d) AS received_at,
            coalesce(r.became_current_at, r.read_at) AS became_current_at
        FROM ops.reading r
        JOIN ops.delivery d ON d.delivery_id = r.delivery_id
        LEFT JOIN ref.form f ON f.form = r.form
        LEFT JOIN ref.campaign_at(of_region, day) c ON c.campaign_form = f.campaign_form
        LEFT JOIN held h ON h.form = r.form AND h.sender = r.sender
        WHERE r.region = of_region AND r.verdict = 'refused'
          AND ops.had_counted(r, known)
          AND NOT EXISTS (SELECT FROM ops.reading n
                          WHERE n.delivery_id = r.delivery_id AND n.reading_id > r.reading_id AND n.status <> 'reverted'
                            AND (least(n.became_current_at, n.held_at) <= known
                                 OR (n.status = 'proposed' AND n.backfill_id = ops.backfill_tried())))
          AND coalesce(r.as_of, ref.region_date(of_region, ops.came_at(d)))
              BETWEEN coalesce(c.starts_on, make_date(ref.academic_year(day), 9, 1)) AND day
          AND CASE WHEN f.period = 'month' THEN coalesce(r.as_of >= ref.month_over(day), true)
              AND NOT EXISTS (SELECT FROM ops.reading_known(of_region, known) k
                              WHERE k.form = r.form AND k.sender = r.sender
                                AND ops.may_share_slice('month', NULL, NULL, k.as_of, r.as_of)
                                AND (k.counts_at, k.delivery_id) > (d.counts_at, d.delivery_id))
              ELSE h.reading_id IS NULL OR (d.counts_at, d.delivery_id) > (h.counts_at, h.delivery_id) END
          -- The same facts sent again under another name are the newer word.
          AND NOT EXISTS (SELECT FROM ops.delivery e
                          WHERE e.same_as = h.delivery_id AND e.archived_at <= known
                            AND (e.counts_at, e.delivery_id) > (d.counts_at, d.delivery_id))
        ORDER BY r.form, r.sender, d.counts_at DESC, d.delivery_id DESC, r.reading_id DESC
    )
    SELECT reading_id, form, sender, as_of, verdict, received_at, became_current_at FROM held
    UNION ALL
    SELECT reading_id, form, sender, as_of, verdict, received_at, became_current_at FROM refused
$$;

-- What waits for an officer's decision on a day, as known at a moment, one reading a form and sender: it would take the place
-- of what holds, and bears too little to do so by itself.
CREATE FUNCTION ops.waiting_at(of_region text, day date, known timestamptz)
RETURNS TABLE (reading_id bigint, delivery_id bigint, form text, sender text, as_of date, verdict text,
               received_at timestamptz, held_at timestamptz) LANGUAGE sql STABLE ROWS 10 SET search_path = '' AS $$
    SELECT DISTINCT ON (r.form, r.sender)
        r.reading_id, r.delivery_id, r.form, r.sender, r.as_of, r.verdict, ops.came_at(d), r.held_at
    FROM ops.reading r
    JOIN ops.delivery d ON d.delivery_id = r.delivery_id
    JOIN ref.form f ON f.form = r.form
    LEFT JOIN ref.campaign_at(of_region, day) c ON c.campaign_form = f.campaign_form
    LEFT JOIN ops.reading_at(of_region, day, known) h ON h.form = r.form AND h.sender = r.sender
    WHERE r.region = of_region AND r.held_at <= known AND coalesce(r.decided_at > known, true)
      AND ops.may_hold(f, r.campaign, r.as_of, c.campaign, day)
      AND (h.reading_id IS NULL OR f.period IN ('campaign', 'academic_year') OR r.as_of >= h.as_of
           OR f.period = 'month' AND r.as_of >= ref.month_over(day))
    ORDER BY r.form, r.sender, (f.period = 'month' AND r.as_of < date_trunc('month', day::timestamp)) DESC, d.counts_at DESC, d.delivery_id DESC, r.reading_id DESC
$$;

-- By which version of its form's rules each reading is judged, and whether others are to judge its date. What a backfill
-- found the same is judged by the rules of that backfill; what was read before versions were kept, by the first.
CREATE FUNCTION ops.judged(readings bigint[])
RETURNS TABLE (reading_id bigint, judged_by text, by_older_rules boolean)
LANGUAGE sql STABLE ROWS 1000 SET search_path = '' AS $$
    WITH asked AS MATERIALIZED (
        SELECT r.reading_id, r.region, r.form,
            coalesce(r.as_of, (SELECT ref.region_date(r.region, ops.came_at(d)) FROM ops.delivery d
                               WHERE d.delivery_id = r.delivery_id)) AS day,
            coalesce(
                (SELECT o.confirms FROM ops.backfill_delivery o
                 JOIN ops.backfill b ON b.backfill_id = o.backfill_id
                 WHERE o.reading_before = r.reading_id AND o.confirms IS NOT NULL
                   AND (b.status = 'applied' OR b.backfill_id = ops.backfill_tried())
                 ORDER BY b.backfill_id DESC LIMIT 1),
                r.rules,
                (SELECT v.fingerprints[1] FROM ref.contract_version v
                 WHERE v.region = r.region AND v.form = r.form AND v.position = 1)
            ) AS rules
        FROM ops.reading r
        WHERE r.reading_id = ANY (readings) AND r.form IS NOT NULL
    ),
    told AS (SELECT DISTINCT a.region, a.form, a.day, a.rules FROM asked a),
    named AS MATERIALIZED (
        SELECT t.region, t.form, t.day, t.rules,
            (SELECT v.version FROM ref.contract_version v
             WHERE v.region = t.region AND v.form = t.form AND t.rules = ANY (v.fingerprints)
             ORDER BY v.judges_from <= t.day DESC, CASE WHEN v.judges_from <= t.day THEN v.position END DESC, v.position
             LIMIT 1) AS version,
            (SELECT max(v.position) FROM ref.contract_version v
             WHERE v.region = t.region AND v.form = t.form AND t.rules = ANY (v.fingerprints)) AS known,
            (SELECT max(v.position) FROM ref.contract_version v
             WHERE v.region = t.region AND v.form = t.form AND v.judges_from <= t.day) AS due
        FROM told t
    )
    SELECT a.reading_id, coalesce(n.version, 'не записана'), coalesce(n.due > coalesce(n.known, 0), false)
    FROM asked a
    JOIN named n ON n.region IS NOT DISTINCT FROM a.region AND n.form = a.form AND n.day = a.day AND n.rules = a.rules
$$;

-- The band of a rate by a rule of a region; by none, and of no rate, it is no_data. Views of BI call it, and its readers may
-- not read ref: it reads with its owner's rights. It stands while those views do, so it is replaced and never dropped.
CREATE OR REPLACE FUNCTION ref.band_of(of_region text, rule text, rate numeric)
RETURNS TABLE (band text, in_rule_gap boolean)
LANGUAGE sql STABLE ROWS 1 SECURITY DEFINER SET search_path = '' AS $$
    SELECT
        coalesce((array_agg(b.band ORDER BY b.lower_bound DESC) FILTER (WHERE b.lower_bound <= rate))[1], 'no_data'),
        coalesce(rate > 0.50 AND rate < min(b.lower_bound) FILTER (WHERE b.band = 'amber'), false)
    FROM ref.band_rule b WHERE b.region = of_region AND b.band_rule_version = rule
$$;

-- The rule of the bands that judges a day: of a set of rules, where a mart asks for one and the region has it, else of all.
CREATE FUNCTION ref.band_rule_at(of_region text, day date, of_set text DEFAULT '') RETURNS text LANGUAGE sql STABLE AS $$
    SELECT b.band_rule_version
    FROM jsonb_to_recordset((SELECT ref.input_lines(of_region, 'band_rules', day))) AS b (
        band_rule_version text, valid_from date, rule_set text)
    WHERE b.valid_from <= day AND coalesce(b.rule_set, '') IN ('', of_set)
    ORDER BY coalesce(b.rule_set, '') = of_set DESC, b.valid_from DESC, b.band_rule_version DESC LIMIT 1
$$;

-- Of lines of rule_states the one that speaks of a rule for a document: one that names the form before one that does not, then
-- one that names the campaign (contracts/forms/rule_states.py). NULL where the rule judges as usual.
CREATE FUNCTION ref.rule_state(lines jsonb, of_rule text, of_form text, of_campaign text, as_of date)
RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT s.line
    FROM jsonb_array_elements(lines) AS s (line), to_char(as_of, 'YYYY-MM-DD') AS d (day)
    WHERE s.line ->> 'rule' = of_rule AND s.line ->> 'form' IN ('', of_form) AND s.line ->> 'campaign' IN ('', of_campaign)
      AND s.line ->> 'valid_from' <= d.day AND d.day <= coalesce(nullif(s.line ->> 'valid_to', ''), d.day)
    ORDER BY s.line ->> 'form' <> '' DESC, s.line ->> 'campaign' <> '' DESC LIMIT 1
$$;

-- Registers of which we knew at a moment, one a sender and date, with the days for which each holds.
CREATE FUNCTION ref.register_known(of_region text, known timestamptz)
RETURNS TABLE (reading_id bigint, as_of date, valid_from date, valid_to date) LANGUAGE sql STABLE AS $$
    WITH register AS (
        SELECT DISTINCT ON (r.sender, r.as_of) r.*
        FROM ops.reading_known(of_region, known) r
        WHERE r.form = 'school_register'
        ORDER BY r.sender, r.as_of, r.counts_at DESC, r.delivery_id DESC, r.reading_id DESC
    )
    SELECT r.reading_id, r.as_of,
        CASE WHEN lag(r.as_of) OVER by_date IS NULL THEN '-infinity' ELSE r.as_of END,
        coalesce(lead(r.as_of) OVER by_date, 'infinity')
    FROM register r
    WINDOW by_date AS (PARTITION BY r.sender ORDER BY r.as_of)
$$;

CREATE VIEW ref.school AS
SELECT g.region, f.school_id, f.school_code, f.short_name, f.full_name, f.territory, f.subordination, f.pupils_6_11,
    r.valid_from, r.valid_to, r.reading_id
FROM ref.region g
CROSS JOIN LATERAL ref.register_known(g.region, 'infinity') r
JOIN core.school_register_fact f ON f.reading_id = r.reading_id;
COMMENT ON VIEW ref.school IS 'Школы, версия на срок (valid_to не включается): реестр действует до следующего.';

-- Every school of a region that we ever knew, in its version for the day; `in_register` tells those that the register of the day names.
CREATE FUNCTION ref.school_at(of_region text, day date, known timestamptz)
RETURNS TABLE (school_id bigint, school_code text, short_name text, full_name text, territory text, subordination text,
               pupils_6_11 bigint, in_register boolean) LANGUAGE sql STABLE ROWS 20000 SET search_path = '' AS $$
    WITH register AS (
        SELECT r.reading_id, r.delivery_id, r.as_of, r.counts_at,
            coalesce(h.valid_from <= day AND day < h.valid_to, false) AS holds
        FROM ops.reading_known(of_region, known) r
        LEFT JOIN ref.register_known(of_region, known) h ON h.reading_id = r.reading_id
        WHERE r.form = 'school_register'
    )
    SELECT DISTINCT ON (f.school_id)
        f.school_id, f.school_code, f.short_name, f.full_name, f.territory, f.subordination, f.pupils_6_11, r.holds
    FROM register r
    CROSS JOIN LATERAL (SELECT * FROM core.school_register_fact e WHERE e.reading_id = r.reading_id OFFSET 0) f
    ORDER BY f.school_id, r.holds DESC, r.as_of <= day DESC, CASE WHEN r.as_of <= day THEN r.as_of END DESC, r.as_of,
        r.counts_at DESC, r.delivery_id DESC, r.reading_id DESC
$$;

-- What is there of each owed document, as a share of what is expected: rows loaded of rows with data; of a form that covers
-- schools those of its sender of which a row is loaded, of one that covers units the units; of a form that counts pupils
-- the schools of the register that have pupils of these grades, and the schools and pupils of the one before it in the
-- academic year: the first one has none before it.
-- The smallest share is the document's; one that is missing, refused or waits for a decision has none.
-- A document weighs as one; those of schools weigh among themselves as their schools do.
-- Facts are reached through functions made from the contracts (warehouse/schema/facts.py): of their branches only that of
-- the form is run. How many there are the planner cannot know, and guesses one: what is there is therefore a set that is
-- hashed, and each count is made once. Joined, every school was compared with every other for each document.
CREATE FUNCTION ops.there_at(of_region text, day date, known timestamptz, forms text[])
RETURNS TABLE (form text, sender text, expected text, deadline date, is_received boolean, share numeric, weight numeric)
LANGUAGE sql STABLE ROWS 30 SET search_path = '' AS $$
    WITH owed AS MATERIALIZED (
        SELECT r.form, r.sender, r.expected, r.deadline, r.owed_from, f.covers, f.counts_pupils, h.reading_id, g.rows_loaded,
            g.rows_quarantined
        FROM ref.roster_at(of_region, day) r
        JOIN ref.form f ON f.form = r.form
        LEFT JOIN ops.reading_owed(of_region, day, known) h ON h.form = r.form AND h.sender = r.sender
        LEFT JOIN ops.reading g ON g.reading_id = h.reading_id
        WHERE r.form = ANY (forms)
    ),
    school AS MATERIALIZED (
        SELECT f.school_id, f.subordination, f.pupils_6_11 FROM ref.register_known(of_region, known) g
        CROSS JOIN LATERAL (SELECT * FROM core.school_register_fact e WHERE e.reading_id = g.reading_id OFFSET 0) f
        WHERE g.valid_from <= day AND day < g.valid_to
          AND EXISTS (SELECT FROM owed o WHERE o.covers = 'schools' OR o.counts_pupils)
    ),
    of_schools AS MATERIALIZED (
        SELECT c.form, s.subordination AS sender, count(*) AS expected, count(*) FILTER (
            WHERE (c.form, s.subordination, s.school_id) IN (
                SELECT o.form, o.sender, f.school_id FROM owed o
                CROSS JOIN LATERAL (SELECT * FROM core.schools_loaded(o.form, o.reading_id) OFFSET 0) f
                WHERE o.covers = 'schools'
            )
        ) AS there
        FROM (SELECT DISTINCT o.form FROM owed o WHERE o.covers = 'schools') c
        CROSS JOIN school s
        GROUP BY c.form, s.subordination
    ),
    of_units AS MATERIALIZED (
        SELECT c.form, count(*) AS expected, count(*) FILTER (
            WHERE (c.form, u.reporting_unit) IN (
                SELECT o.form, f.reporting_unit FROM owed o
                CROSS JOIN LATERAL (SELECT * FROM core.units_loaded(o.form, o.reading_id) OFFSET 0) f
                WHERE o.covers = 'units'
            )
        ) AS there
        FROM (SELECT DISTINCT o.form FROM owed o WHERE o.covers = 'units') c
        CROSS JOIN ref.unit_at(of_region, day) u
        GROUP BY c.form
    ),
    with_pupils AS MATERIALIZED (
        SELECT c.form, count(*) AS expected, count(*) FILTER (
            WHERE (c.form, s.school_id) IN (
                SELECT o.form, f.school_id FROM owed o
                CROSS JOIN LATERAL (SELECT * FROM core.pupils_counted(o.form, o.reading_id) OFFSET 0) f
                WHERE o.counts_pupils
            )
        ) AS there
        FROM (SELECT DISTINCT o.form FROM owed o WHERE o.counts_pupils) c
        JOIN school s ON coalesce(s.pupils_6_11, 1) > 0
        GROUP BY c.form
    ),
    before AS MATERIALIZED (
        SELECT DISTINCT ON (o.form, o.sender) o.form, o.sender, o.reading_id, k.reading_id AS before
        FROM owed o
        JOIN ops.reading_known(of_region, known) k ON k.form = o.form AND k.sender = o.sender AND k.as_of < o.owed_from
            AND ref.academic_year(k.as_of) = ref.academic_year(o.owed_from)
        WHERE o.counts_pupils AND o.reading_id IS NOT NULL
        ORDER BY o.form, o.sender, k.as_of DESC, k.counts_at DESC, k.delivery_id DESC, k.reading_id DESC
    ),
    of_pupils AS MATERIALIZED (
        SELECT b.form, b.sender, n.pupils, n.schools, w.pupils AS pupils_before, w.schools AS schools_before
        FROM before b
        CROSS JOIN LATERAL (SELECT coalesce(sum(e.pupils), 0) AS pupils, count(DISTINCT e.school_id) AS schools
                            FROM core.pupils_counted(b.form, b.reading_id) e OFFSET 0) n
        CROSS JOIN LATERAL (SELECT coalesce(sum(e.pupils), 0) AS pupils, count(DISTINCT e.school_id) AS schools
                            FROM core.pupils_counted(b.form, b.before) e OFFSET 0) w
    )
    SELECT o.form, o.sender, o.expected, o.deadline, o.reading_id IS NOT NULL,
        CASE WHEN o.reading_id IS NULL THEN 0 ELSE least(
            1,
            coalesce(o.rows_loaded::numeric / nullif(o.rows_loaded + o.rows_quarantined, 0), 0),
            s.there::numeric / nullif(s.expected, 0),
            u.there::numeric / nullif(u.expected, 0),
            g.there::numeric / nullif(g.expected, 0),
            p.pupils / nullif(p.pupils_before, 0),
            p.schools::numeric / nullif(p.schools_before, 0)
        ) END,
        CASE WHEN o.covers = 'schools' AND EXISTS (SELECT FROM school)
            THEN coalesce(s.expected, 0)::numeric * count(*) OVER by_form
                / nullif(coalesce(sum(s.expected) OVER by_form, 0), 0)
            ELSE 1 END
    FROM owed o
    LEFT JOIN of_schools s ON s.form = o.form AND s.sender = o.sender
    LEFT JOIN of_units u ON u.form = o.form
    LEFT JOIN with_pupils g ON g.form = o.form
    LEFT JOIN of_pupils p ON p.form = o.form AND p.sender = o.sender
    WINDOW by_form AS (PARTITION BY o.form)
$$;

-- How complete and how sure figures of some forms are, and by which rules they were judged: of each of several sets of forms,
-- named by their names with ', ' between them, and every form by ''. The register is not counted in completeness, nor are its
-- rules told, but nothing is final without it, or while something waits for a decision.
-- What is there of each form is looked up once for all sets: it is most of what a mart of few rows costs.
CREATE FUNCTION ops.states_at(of_region text, day date, known timestamptz, sets text[])
RETURNS TABLE (forms text, completeness numeric, known_at timestamptz, is_final boolean, judged_by text,
               by_older_rules boolean) LANGUAGE sql STABLE ROWS 30 SET search_path = '' AS $$
    WITH asked AS MATERIALIZED (
        SELECT DISTINCT s.forms, CASE s.forms WHEN '' THEN ARRAY(SELECT f.form FROM ref.form f) ELSE string_to_array(s.forms, ', ') END
            AS members
        FROM unnest(sets) AS s (forms)
    ),
    every AS MATERIALIZED (SELECT ARRAY(SELECT DISTINCT m.form FROM asked a CROSS JOIN unnest(a.members) AS m (form)) AS forms),
    held AS MATERIALIZED (
        SELECT h.reading_id, h.form, h.became_current_at FROM ops.reading_at(of_region, day, known) h
        WHERE h.form = ANY ((SELECT e.forms FROM every e)::text[])
    ),
    owed AS MATERIALIZED (SELECT * FROM ops.there_at(of_region, day, known, (SELECT e.forms FROM every e))),
    waiting AS MATERIALIZED (SELECT w.form FROM ops.waiting_at(of_region, day, known) w),
    judged AS MATERIALIZED (
        SELECT h.form, j.judged_by, j.by_older_rules
        FROM ops.judged(ARRAY(
            SELECT h.reading_id FROM held h JOIN ref.form f ON f.form = h.form WHERE f.expected <> 'once'
        )) j
        JOIN held h ON h.reading_id = j.reading_id
    )
    SELECT a.forms,
        o.completeness,
        (SELECT max(h.became_current_at) FROM held h WHERE h.form = ANY (a.members)),
        o.is_there AND NOT EXISTS (SELECT FROM waiting w WHERE w.form = ANY (a.members)),
        j.judged_by,
        j.by_older_rules
    FROM asked a
    CROSS JOIN LATERAL (
        SELECT
            sum(o.share * o.weight) FILTER (WHERE o.expected <> 'once')
                / nullif(sum(o.weight) FILTER (WHERE o.expected <> 'once'), 0) AS completeness,
            coalesce(bool_and(o.is_received) AND bool_or(o.expected <> 'once'), false)
                AND coalesce(day > max(o.deadline) FILTER (WHERE o.expected <> 'day'), true) AS is_there
        FROM owed o WHERE o.form = ANY (a.members)
    ) o
    CROSS JOIN LATERAL (
        SELECT string_agg(DISTINCT j.judged_by, '; ' ORDER BY j.judged_by) AS judged_by,
            bool_or(j.by_older_rules) AS by_older_rules
        FROM judged j WHERE j.form = ANY (a.members)
    ) j
$$;

-- Each school of the register and the status of its report: what its own sender reported in the campaign that runs.
-- Without a running campaign nobody owes a report and the status is NULL.
CREATE FUNCTION core.readiness_at(of_region text, day date, known timestamptz)
RETURNS TABLE (school_id bigint, school_code text, short_name text, territory text, subordination text, campaign text,
               report_status text, rules text[], reading_id bigint) LANGUAGE sql STABLE ROWS 20000 SET search_path = '' AS $$
    WITH held AS MATERIALIZED (SELECT * FROM ops.reading_at(of_region, day, known) h WHERE h.form = 'readiness_report'),
    running AS (SELECT c.campaign FROM ref.campaign_at(of_region, day) c WHERE c.campaign_form = 'readiness_report'),
    outcome AS (
        SELECT f.* FROM held h
        CROSS JOIN LATERAL (
            SELECT * FROM core.school_outcome_fact e WHERE e.reading_id = h.reading_id OFFSET 0
        ) f
    )
    SELECT s.school_id, s.school_code, s.short_name, s.territory, s.subordination, c.campaign,
        CASE WHEN c.campaign IS NOT NULL THEN coalesce(o.report_status, 'missing') END, o.rules, h.reading_id
    FROM ref.school_at(of_region, day, known) s
    LEFT JOIN running c ON true
    LEFT JOIN held h ON h.sender = s.subordination
    LEFT JOIN outcome o ON o.reading_id = h.reading_id AND o.school_id = s.school_id
    WHERE s.in_register
$$;

-- Each school and its registered pupils by the export that holds. A school that the register of the day no longer names
-- keeps its pupils as long as the export does. Without an export the counts are NULL; with one, a school it does not
-- name has none.
CREATE FUNCTION core.registration_at(of_region text, day date, known timestamptz)
RETURNS TABLE (school_id bigint, school_code text, short_name text, territory text, subordination text,
               pupils_6_11 bigint, in_register boolean, export_as_of date, actual_pupils bigint,
               unverified_pupils bigint, archived_pupils bigint) LANGUAGE sql STABLE ROWS 20000 SET search_path = '' AS $$
    WITH held AS MATERIALIZED (SELECT * FROM ops.reading_at(of_region, day, known) h WHERE h.form = 'registration_export'),
    latest AS (SELECT max(h.as_of) AS as_of FROM held h),
    counted AS (
        SELECT f.school_id, sum(f.actual_pupils)::bigint AS actual, sum(f.unverified_pupils)::bigint AS unverified,
            sum(f.archived_pupils)::bigint AS archived
        FROM held h
        CROSS JOIN LATERAL (
            SELECT * FROM core.registration_export_fact e WHERE e.reading_id = h.reading_id OFFSET 0
        ) f
        GROUP BY f.school_id
    )
    SELECT s.school_id, s.school_code, s.short_name, s.territory, s.subordination, s.pupils_6_11, s.in_register, l.as_of,
        CASE WHEN l.as_of IS NOT NULL THEN coalesce(c.actual, 0) END,
        CASE WHEN l.as_of IS NOT NULL THEN coalesce(c.unverified, 0) END,
        CASE WHEN l.as_of IS NOT NULL THEN coalesce(c.archived, 0) END
    FROM ref.school_at(of_region, day, known) s
    CROSS JOIN latest l
    LEFT JOIN counted c ON c.school_id = s.school_id
    WHERE s.in_register OR c.school_id IS NOT NULL
$$;

-- The export of each sender that holds on a day, and the one before it in the academic year, as both were known.
CREATE FUNCTION core.export_pair_at(of_region text, day date, known timestamptz)
RETURNS TABLE (sender text, reading_id bigint, as_of date, before_reading_id bigint, before_as_of date)
LANGUAGE sql STABLE ROWS 10 SET search_path = '' AS $$
    WITH year AS MATERIALIZED (SELECT * FROM ops.readings_of_year(of_region, day, known, 'registration_export'))
    SELECT h.sender, h.reading_id, h.as_of, b.reading_id, b.as_of
    FROM ops.reading_at(of_region, day, known) h
    LEFT JOIN LATERAL (
        SELECT y.reading_id, y.as_of FROM year y WHERE y.sender = h.sender AND y.as_of < h.as_of ORDER BY y.as_of DESC LIMIT 1
    ) b ON true
    WHERE h.form = 'registration_export'
$$;

-- How the export of a day stands to the one before it, in one row: compared; first: the academic year has none before;
-- not_kept: rows of one of the two are destroyed or never were kept; gap: there is none of this day; no_export: none at all.
CREATE FUNCTION core.movement_status_at(of_region text, day date, known timestamptz)
RETURNS TABLE (export_as_of date, previous_as_of date, movement_status text) LANGUAGE sql STABLE ROWS 1 SET search_path = '' AS $$
    SELECT max(p.as_of), max(p.before_as_of) FILTER (WHERE p.as_of = day),
        CASE WHEN count(*) = 0 THEN 'no_export'
            WHEN max(p.as_of) < day THEN 'gap'
            WHEN bool_or(p.before_reading_id IS NULL) FILTER (WHERE p.as_of = day) THEN 'first'
            WHEN bool_and(c.reading_id IS NOT NULL) FILTER (WHERE p.as_of = day) THEN 'compared'
            ELSE 'not_kept' END
    FROM core.export_pair_at(of_region, day, known) p
    LEFT JOIN core.pupil_comparison c ON c.reading_id = p.reading_id AND c.before_reading_id = p.before_reading_id
$$;

-- Pupils who counted in the export before that of a day (opening), who count in it (closing), and who came to count or do no
-- more, by school, grade and how: of a move between schools each has the other one.
CREATE FUNCTION core.movement_at(of_region text, day date, known timestamptz)
RETURNS TABLE (school_id bigint, grade smallint, other_school_id bigint, movement text, pupils bigint)
LANGUAGE sql STABLE ROWS 20000 SET search_path = '' AS $$
    WITH pair AS MATERIALIZED (SELECT * FROM core.export_pair_at(of_region, day, known) p WHERE p.as_of = day),
    flow AS MATERIALIZED (
        SELECT f.* FROM pair p
        CROSS JOIN LATERAL (
            SELECT * FROM core.pupil_flow e
            WHERE e.reading_id = p.reading_id AND e.before_reading_id = p.before_reading_id OFFSET 0
        ) f
    )
    SELECT f.school_id, f.grade::smallint, NULL::bigint, e.movement, f.actual_pupils
    FROM pair p
    CROSS JOIN LATERAL (VALUES ('opening', p.before_reading_id), ('closing', p.reading_id)) AS e (movement, reading_id)
    CROSS JOIN LATERAL (SELECT * FROM core.registration_export_fact x WHERE x.reading_id = e.reading_id OFFSET 0) f
    UNION ALL
    SELECT f.to_school_id, f.to_grade, f.from_school_id,
        CASE WHEN f.from_school_id IS NULL THEN 'came' WHEN f.from_state = 3 THEN 'restored' WHEN f.from_state = 2 THEN 'verified'
            WHEN f.from_school_id <> f.to_school_id THEN 'moved_in' ELSE 'grade_in' END,
        f.pupils
    FROM flow f WHERE f.to_state = 1
    UNION ALL
    SELECT f.from_school_id, f.from_grade, f.to_school_id,
        CASE WHEN f.to_school_id IS NULL THEN 'left' WHEN f.to_state = 3 THEN 'archived' WHEN f.to_state = 2 THEN 'unverified'
            WHEN f.from_school_id <> f.to_school_id THEN 'moved_out' ELSE 'grade_out' END,
        f.pupils
    FROM flow f WHERE f.from_state = 1
$$;

-- Of which exports the journeys of pupils of the academic year of a day are made: the last one, its day, that of the first, how
-- many, and a hash of all of them and of which unit each school is, which is the same in another warehouse. Schools are those of
-- the register of the day and others that the exports name: one that a later register is the first to name changes nothing.
CREATE FUNCTION core.journey_of(of_region text, day date, known timestamptz)
RETURNS TABLE (reading_id bigint, export_as_of date, first_export_as_of date, exports bigint, made_of text)
LANGUAGE sql STABLE ROWS 1 SET search_path = '' AS $$
    SELECT e.last, e.last_day, e.first_day, e.exports, md5(e.of_exports || '/' || coalesce(s.of_schools, ''))
    FROM (
        SELECT (array_agg(y.reading_id ORDER BY y.as_of DESC, y.reading_id DESC))[1] AS last, max(y.as_of) AS last_day,
            min(y.as_of) AS first_day, count(*) AS exports,
            array_agg(y.reading_id) AS readings,
            string_agg(y.as_of || ' ' || d.sha256 || ' ' || extract(epoch FROM r.read_at), ';'
                       ORDER BY y.as_of, y.sender COLLATE pg_catalog."C") AS of_exports
        FROM ops.readings_of_year(of_region, $2, known, 'registration_export') y
        JOIN ops.reading r ON r.reading_id = y.reading_id
        JOIN ops.delivery d ON d.delivery_id = y.delivery_id
    ) e
    CROSS JOIN LATERAL (
        SELECT string_agg(a.school_code || ' ' || coalesce(a.subordination, ''), ';'
                          ORDER BY a.school_code COLLATE pg_catalog."C") AS of_schools
        FROM ref.school_at(of_region, $2, known) a
        WHERE a.in_register OR EXISTS (
            SELECT FROM core.registration_export_fact f WHERE f.reading_id = ANY (e.readings) AND f.school_id = a.school_id)
    ) s
$$;

-- How far the pupils of the academic year of a day came, of each unit and of the region (no unit), and how it stands: counted;
-- not_kept: rows of one of the exports are destroyed or never were kept; no_export: none of the year. Of a unit without pupils
-- there is a row of noughts, where what is asked is known of the region.
CREATE FUNCTION core.journey_at(of_region text, day date, known timestamptz)
RETURNS TABLE (reporting_unit text, export_as_of date, first_export_as_of date, exports bigint, journey_status text, pupils bigint,
               joined bigint, remaining bigint, counted bigint, verified bigint, verified_followed bigint, days_to_verified numeric,
               diagnosed bigint, diagnosed_followed bigint, days_to_diagnosed numeric, trial bigint, trial_followed bigint,
               days_to_trial numeric, grade_11 bigint, grade_11_verified bigint, grade_11_diagnosed bigint, grade_11_trial bigint)
LANGUAGE sql STABLE ROWS 30 SET search_path = '' AS $$
    WITH made AS MATERIALIZED (SELECT * FROM core.journey_of(of_region, $2, known)),
    whole AS MATERIALIZED (
        SELECT j.* FROM made m JOIN core.pupil_journey j ON j.reading_id = m.reading_id AND j.made_of = m.made_of
        WHERE j.grain = 'region'
    )
    SELECT u.reporting_unit, m.export_as_of, m.first_export_as_of, m.exports,
        CASE WHEN m.reading_id IS NULL THEN 'no_export' WHEN w.reading_id IS NULL THEN 'not_kept' ELSE 'counted' END,
        coalesce(j.pupils, w.pupils * 0), coalesce(j.joined, w.joined * 0), coalesce(j.remaining, w.remaining * 0),
        coalesce(j.counted, w.counted * 0),
        coalesce(j.verified, w.verified * 0), coalesce(j.verified_followed, w.verified_followed * 0), j.days_to_verified,
        coalesce(j.diagnosed, w.diagnosed * 0), coalesce(j.diagnosed_followed, w.diagnosed_followed * 0), j.days_to_diagnosed,
        coalesce(j.trial, w.trial * 0), coalesce(j.trial_followed, w.trial_followed * 0), j.days_to_trial,
        coalesce(j.grade_11, w.grade_11 * 0), coalesce(j.grade_11_verified, w.grade_11_verified * 0),
        coalesce(j.grade_11_diagnosed, w.grade_11_diagnosed * 0), coalesce(j.grade_11_trial, w.grade_11_trial * 0)
    FROM made m
    CROSS JOIN (
        SELECT a.reporting_unit, 'unit' AS grain FROM ref.unit_at(of_region, $2) a UNION ALL SELECT NULL, 'region'
    ) u
    LEFT JOIN whole w ON true
    LEFT JOIN core.pupil_journey j ON j.reading_id = w.reading_id AND j.made_of = w.made_of AND j.grain = u.grain
        AND j.reporting_unit IS NOT DISTINCT FROM u.reporting_unit
$$;

-- Days of the academic year of a day, each with how many working days there were from its beginning up to and with it.
CREATE FUNCTION ref.working_days_of_year(of_region text, of_day date) RETURNS TABLE (day date, number integer)
LANGUAGE sql STABLE ROWS 366 SET search_path = '' AS $$
    SELECT d.day, (count(*) FILTER (WHERE ref.is_working_day(d.day, c.calendar)) OVER (ORDER BY d.day))::integer
    FROM (SELECT ref.calendar_at(of_region, of_day) AS calendar OFFSET 0) c
    CROSS JOIN LATERAL (
        SELECT make_date(ref.academic_year(of_day), 9, 1) + n AS day
        FROM generate_series(0, make_date(ref.academic_year(of_day) + 1, 8, 31) - make_date(ref.academic_year(of_day), 9, 1)) AS n
    ) d
$$;

-- At which pace registered pupils grow, and when the plan is met by it: of each reporting unit, and of the region (no unit). A
-- pace is that of a week: from the last export of the week before to the last of this one, by working day between them; weeks
-- without an export have none. Of the last eight paces the median, and the tenth and ninetieth percentile as interval. A forecast
-- of a past week held for an export of the next four weeks when its count was within what the interval promised. A pace of a
-- third, three days long, is one pupil: fractions that are rounded are given a millionth. Paces lead on from the last export: where
-- none came since and the date of it is gone, the forecast is stale and has no date.
CREATE FUNCTION core.registration_forecast_at(of_region text, day date, known timestamptz)
RETURNS TABLE (reporting_unit text, export_as_of date, planned bigint, counted bigint, forecast_status text, weeks_of_pace integer,
               pace_low numeric, pace_middle numeric, pace_high numeric, expected_on date, earliest_on date, latest_on date,
               forecasts_checked integer, forecasts_held integer)
LANGUAGE sql STABLE ROWS 30 SET search_path = '' AS $$
    WITH worked AS MATERIALIZED (SELECT w.day, w.number FROM ref.working_days_of_year(of_region, $2) w),
    export AS MATERIALIZED (
        SELECT DISTINCT ON (r.sender, date_trunc('week', r.as_of::timestamp)) r.reading_id, r.as_of,
            date_trunc('week', r.as_of::timestamp)::date AS monday
        FROM ops.readings_of_year(of_region, $2, known, 'registration_export') r
        WHERE r.as_of > $2 - 7 * 16
        ORDER BY r.sender, date_trunc('week', r.as_of::timestamp), r.as_of DESC
    ),
    school AS MATERIALIZED (SELECT s.school_id, s.subordination FROM ref.school_at(of_region, $2, known) s),
    there AS (
        SELECT e.monday, s.subordination, sum(f.actual_pupils)::bigint AS counted
        FROM export e
        CROSS JOIN LATERAL (
            SELECT x.school_id, sum(x.actual_pupils) AS actual_pupils FROM core.registration_export_fact x
            WHERE x.reading_id = e.reading_id GROUP BY x.school_id OFFSET 0
        ) f
        JOIN school s ON s.school_id = f.school_id
        GROUP BY e.monday, s.subordination
    ),
    week AS (SELECT e.monday, max(e.as_of) AS last_day FROM export e GROUP BY e.monday),
    unit AS (SELECT u.reporting_unit FROM ref.unit_at(of_region, $2) u),
    of_week AS (
        SELECT u.reporting_unit, w.monday, w.last_day, coalesce(sum(t.counted), 0)::bigint AS counted
        FROM week w
        CROSS JOIN unit u
        LEFT JOIN there t ON t.monday = w.monday AND t.subordination = u.reporting_unit
        GROUP BY GROUPING SETS ((u.reporting_unit, w.monday, w.last_day), (w.monday, w.last_day))
    ),
    step AS MATERIALIZED (
        SELECT coalesce(o.reporting_unit, '') AS code, o.last_day, o.counted, d.number, row_number() OVER by_week AS place,
            (o.counted - lag(o.counted) OVER by_week)::numeric / nullif(d.number - lag(d.number) OVER by_week, 0) AS pace
        FROM of_week o
        JOIN worked d ON d.day = o.last_day
        WINDOW by_week AS (PARTITION BY coalesce(o.reporting_unit, '') ORDER BY o.monday)
    ),
    paced AS MATERIALIZED (
        SELECT s.*, q.paces, q.low, q.middle, q.high
        FROM step s
        CROSS JOIN LATERAL (
            SELECT count(o.pace) AS paces, percentile_cont(0.1) WITHIN GROUP (ORDER BY o.pace)::numeric AS low,
                percentile_cont(0.5) WITHIN GROUP (ORDER BY o.pace)::numeric AS middle,
                percentile_cont(0.9) WITHIN GROUP (ORDER BY o.pace)::numeric AS high
            FROM step o WHERE o.code = s.code AND o.place <= s.place AND o.place > s.place - 8
        ) q
    ),
    checked AS (
        SELECT p.code, count(*) AS forecasts, count(*) FILTER (
            WHERE s.counted BETWEEN floor(p.counted + p.low * (s.number - p.number) + 0.000001)
                AND ceil(p.counted + p.high * (s.number - p.number) - 0.000001)
        ) AS held
        FROM paced p
        JOIN step s ON s.code = p.code AND s.place > p.place AND s.place <= p.place + 4
        WHERE p.paces >= 4
        GROUP BY p.code
    ),
    plan AS (
        SELECT coalesce(u.reporting_unit, '') AS code, CASE WHEN bool_and(f.plan_pupils IS NOT NULL) THEN sum(f.plan_pupils)::bigint END AS planned
        FROM unit u
        LEFT JOIN (
            SELECT e.reporting_unit, sum(e.plan_pupils) AS plan_pupils FROM ops.reading_at(of_region, $2, known) r
            CROSS JOIN LATERAL (SELECT * FROM core.registration_plan_fact x WHERE x.reading_id = r.reading_id OFFSET 0) e
            WHERE r.form = 'registration_plan' GROUP BY e.reporting_unit
        ) f ON f.reporting_unit = u.reporting_unit
        GROUP BY GROUPING SETS ((u.reporting_unit), ())
    ),
    last AS (SELECT DISTINCT ON (p.code) p.* FROM paced p ORDER BY p.code, p.place DESC),
    standing AS (
        SELECT n.code, n.planned, l.last_day, l.counted, l.number, coalesce(l.paces, 0)::integer AS paces, l.low, l.middle, l.high,
            CASE
                WHEN l.counted IS NULL THEN 'no_export'
                WHEN n.planned IS NULL THEN 'no_plan'
                WHEN l.counted >= n.planned THEN 'met'
                WHEN l.paces < 4 THEN 'short_history'
                WHEN l.middle <= 0 THEN 'no_growth'
                ELSE 'forecast'
            END AS status
        FROM plan n
        LEFT JOIN last l ON l.code = n.code
    ),
    reached AS (
        SELECT s.*, r.expected_on, r.earliest_on, r.latest_on
        FROM standing s
        CROSS JOIN LATERAL (
            SELECT
                min(d.day) FILTER (WHERE s.middle > 0 AND (d.number - s.number) * s.middle >= s.planned - s.counted - 0.000001) AS expected_on,
                min(d.day) FILTER (WHERE s.high > 0 AND (d.number - s.number) * s.high >= s.planned - s.counted - 0.000001) AS earliest_on,
                min(d.day) FILTER (WHERE s.low > 0 AND (d.number - s.number) * s.low >= s.planned - s.counted - 0.000001) AS latest_on
            FROM worked d WHERE s.status = 'forecast'
        ) r
    )
    SELECT nullif(r.code, ''), r.last_day, r.planned, r.counted,
        CASE WHEN r.status = 'forecast' AND r.expected_on IS NULL THEN 'after_year' WHEN p.is_past THEN 'stale' ELSE r.status END, r.paces,
        CASE WHEN r.paces >= 4 THEN r.low END, CASE WHEN r.paces >= 4 THEN r.middle END, CASE WHEN r.paces >= 4 THEN r.high END,
        CASE WHEN NOT p.is_past THEN r.expected_on END, CASE WHEN NOT p.is_past THEN r.earliest_on END,
        CASE WHEN NOT p.is_past THEN r.latest_on END, coalesce(c.forecasts, 0)::integer, coalesce(c.held, 0)::integer
    FROM reached r
    CROSS JOIN LATERAL (SELECT coalesce(r.expected_on <= $2, false) AS is_past) p
    LEFT JOIN checked c ON c.code = r.code
$$;
