-- How far the pupils of an academic year came by a day, from the versions of its exports in one partition.
--
-- A version is in each export of the year from its first reading up to the one in which it was gone; which days these are
-- is asked once for all versions of the same two readings, which are few. Of two rows of a pupil in his last export that of
-- the best state, the first school and grade counts, as everywhere: the greatest number made of day, state, school, grade.
-- Somebody else may count the same meanwhile: the conflict is with a row that this transaction does not see, so it is tried again.
WITH export AS MATERIALIZED (
    SELECT y.reading_id, y.as_of, n.series_id, y.as_of = max(y.as_of) OVER (PARTITION BY n.series_id) AS is_last,
        EXISTS (SELECT FROM jsonb_each_text(r.layout -> 'matched') m WHERE m.value = 'verification') AS says_verified
    FROM ops.readings_of_year(:region, :day, :known_at, 'registration_export') y
    JOIN restricted.pupil_reading n ON n.reading_id = y.reading_id
    JOIN ops.reading r ON r.reading_id = y.reading_id
),
span AS MATERIALIZED (
    SELECT s.series_id, s.first_reading, s.gone, min(e.as_of) AS first_day,
        min(e.as_of) FILTER (WHERE e.says_verified) AS told_day,
        (bool_or(e.is_last)::integer * 65536 + (max(e.as_of) - date '2000-01-01'))::bigint AS last_place
    FROM (
        SELECT DISTINCT v.series_id, v.first_reading, coalesce(v.gone_reading, 0) AS gone
        FROM {partition} v WHERE v.series_id IN (SELECT e.series_id FROM export e)
    ) s
    JOIN export e ON e.series_id = s.series_id AND e.reading_id >= s.first_reading AND (s.gone = 0 OR e.reading_id < s.gone)
    GROUP BY s.series_id, s.first_reading, s.gone
),
pupil AS (
    SELECT
        min(s.first_day) FILTER (WHERE v.state < 3) AS seen_on,
        min(s.told_day) FILTER (WHERE v.state = 1) AS verified_on,
        min(s.told_day) FILTER (WHERE v.state = 2) AS unverified_on,
        min(s.first_day) FILTER (WHERE v.state < 3 AND v.diagnostics > 0) AS diagnosed_on,
        min(s.first_day) FILTER (WHERE v.state < 3 AND v.diagnostics = 0) AS undiagnosed_on,
        min(s.first_day) FILTER (WHERE v.state < 3 AND v.trials > 0) AS trial_on,
        min(s.first_day) FILTER (WHERE v.state < 3 AND v.trials = 0) AS untried_on,
        max((((s.last_place * 4 + 3 - v.state) * 68719476736 + 68719476735 - v.school_id) * 16) + 15 - v.grade) AS place
    FROM {partition} v
    JOIN span s ON s.series_id = v.series_id AND s.first_reading = v.first_reading AND s.gone = coalesce(v.gone_reading, 0)
    GROUP BY v.pupil_key
),
told AS (
    SELECT
        (SELECT bool_or(e.says_verified) FROM export e) AS verified,
        bool_or(p.diagnosed_on IS NOT NULL OR p.undiagnosed_on IS NOT NULL) AS diagnosed,
        bool_or(p.trial_on IS NOT NULL OR p.untried_on IS NOT NULL) AS trial,
        (SELECT min(e.as_of) FROM export e) AS first_day
    FROM pupil p
),
journey AS (
    SELECT a.subordination AS reporting_unit, p.*,
        p.place >> 58 = 1 AS is_last, 3 - (p.place >> 40 & 3) AS state, 15 - (p.place & 15) = 11 AS is_grade_11
    FROM pupil p
    LEFT JOIN ref.school_at(:region, :day, :known_at) a ON a.school_id = 68719476735 - (p.place >> 4 & 68719476735)
    WHERE p.seen_on IS NOT NULL
)
INSERT INTO core.pupil_journey (
    reading_id, made_of, grain, reporting_unit, pupils, joined, remaining, counted, verified, verified_followed, days_to_verified,
    diagnosed, diagnosed_followed, days_to_diagnosed, trial, trial_followed, days_to_trial, grade_11, grade_11_verified,
    grade_11_diagnosed, grade_11_trial
)
SELECT :reading_id, :made_of, CASE WHEN grouping(j.reporting_unit) = 1 THEN 'region' ELSE 'unit' END, j.reporting_unit,
    count(j.seen_on),
    count(*) FILTER (WHERE j.seen_on > t.first_day),
    count(*) FILTER (WHERE j.is_last AND j.state < 3),
    count(*) FILTER (WHERE j.is_last AND j.state = 1),
    CASE WHEN t.verified THEN count(j.verified_on) END,
    CASE WHEN t.verified THEN count(*) FILTER (WHERE j.unverified_on < j.verified_on) END,
    (percentile_cont(0.5) WITHIN GROUP (ORDER BY j.verified_on - j.seen_on) FILTER (WHERE j.unverified_on < j.verified_on))::numeric,
    CASE WHEN t.diagnosed THEN count(j.diagnosed_on) END,
    CASE WHEN t.diagnosed THEN count(*) FILTER (WHERE j.undiagnosed_on < j.diagnosed_on) END,
    (percentile_cont(0.5) WITHIN GROUP (ORDER BY j.diagnosed_on - j.seen_on) FILTER (WHERE j.undiagnosed_on < j.diagnosed_on))::numeric,
    CASE WHEN t.trial THEN count(j.trial_on) END,
    CASE WHEN t.trial THEN count(*) FILTER (WHERE j.untried_on < j.trial_on) END,
    (percentile_cont(0.5) WITHIN GROUP (ORDER BY j.trial_on - j.seen_on) FILTER (WHERE j.untried_on < j.trial_on))::numeric,
    count(*) FILTER (WHERE j.is_grade_11),
    CASE WHEN t.verified THEN count(j.verified_on) FILTER (WHERE j.is_grade_11) END,
    CASE WHEN t.diagnosed THEN count(j.diagnosed_on) FILTER (WHERE j.is_grade_11) END,
    CASE WHEN t.trial THEN count(j.trial_on) FILTER (WHERE j.is_grade_11) END
FROM told t
LEFT JOIN journey j ON true
GROUP BY GROUPING SETS ((t.verified, t.diagnosed, t.trial, j.reporting_unit), (t.verified, t.diagnosed, t.trial))
ON CONFLICT DO NOTHING
