-- What has become of assignments, by figures as they were known: named queries `told`, `counted`, `measured` and `judged` behind a query
-- `given`, which has rows of `history.assignment_list`. A SELECT takes them in by `:part assignments/judged`.
-- A column that no mart has is nothing, and so is a mart that has no rows on the day: both are no data.
told AS (
    SELECT g.region, g.as_of, g.number, m.reporting_unit,
        sum((m.said ->> g.measured_figure)::numeric) AS figure,
        sum((m.said ->> g.measured_figure)::numeric) FILTER (WHERE m.said ->> g.measured_of IS NOT NULL) AS figure_of_whole,
        sum((m.said ->> g.measured_of)::numeric) FILTER (WHERE m.said ->> g.measured_figure IS NOT NULL) AS whole
    FROM given g
    CROSS JOIN LATERAL (
        SELECT m.reporting_unit, to_jsonb(m) AS said FROM history.readiness_by_municipality AS m
        WHERE g.measured_mart = 'readiness_by_municipality' AND m.region = g.region AND m.as_of = g.as_of
          AND m.published_at <= :known_at AND (m.replaced_at > :known_at OR m.replaced_at = 'infinity')
        UNION ALL
        SELECT m.reporting_unit, to_jsonb(m) AS said FROM history.registration_by_municipality AS m
        WHERE g.measured_mart = 'registration_by_municipality' AND m.region = g.region AND m.as_of = g.as_of
          AND m.published_at <= :known_at AND (m.replaced_at > :known_at OR m.replaced_at = 'infinity')
        UNION ALL
        SELECT m.reporting_unit, to_jsonb(m) AS said FROM history.level_coverage AS m
        WHERE g.measured_mart = 'level_coverage' AND m.region = g.region AND m.as_of = g.as_of
          AND m.published_at <= :known_at AND (m.replaced_at > :known_at OR m.replaced_at = 'infinity')
        UNION ALL
        SELECT m.reporting_unit, to_jsonb(m) AS said FROM history.lessons_in_timetable AS m
        WHERE g.measured_mart = 'lessons_in_timetable' AND m.region = g.region AND m.as_of = g.as_of
          AND m.published_at <= :known_at AND (m.replaced_at > :known_at OR m.replaced_at = 'infinity')
        UNION ALL
        SELECT m.reporting_unit, to_jsonb(m) AS said FROM history.partners_by_unit AS m
        WHERE g.measured_mart = 'partners_by_unit' AND m.region = g.region AND m.as_of = g.as_of
          AND m.published_at <= :known_at AND (m.replaced_at > :known_at OR m.replaced_at = 'infinity')
        UNION ALL
        SELECT m.reporting_unit, to_jsonb(m) AS said FROM history.practice AS m
        WHERE g.measured_mart = 'practice' AND m.region = g.region AND m.as_of = g.as_of
          AND m.published_at <= :known_at AND (m.replaced_at > :known_at OR m.replaced_at = 'infinity')
          -- Of a mart of months only those count that lie within the deadline.
          AND coalesce(make_date(
              extract(year FROM g.as_of)::integer - (extract(month FROM g.as_of) < 9)::integer + (m.month < 9)::integer, m.month, 1
          ) BETWEEN date_trunc('month', g.deadline_from) AND g.deadline_to, true)
    ) m
    GROUP BY g.region, g.as_of, g.number, g.measured_figure, g.measured_of, m.reporting_unit
),
counted AS (
    SELECT t.region, t.as_of, t.number,
        CASE WHEN count(t.figure) = 0 THEN NULL
            WHEN min(g.measured_of) = 'units' THEN count(*) FILTER (WHERE t.figure > 0)
            ELSE sum(t.figure_of_whole)
        END AS figure,
        CASE WHEN count(t.figure) = 0 THEN NULL WHEN min(g.measured_of) = 'units' THEN count(*) ELSE sum(t.whole) END AS whole,
        count(*) FILTER (WHERE t.figure IS NULL) AS units_silent
    FROM told t
    JOIN given g USING (region, as_of, number)
    GROUP BY t.region, t.as_of, t.number
),
measured AS (
    SELECT g.*, n.figure, n.whole, n.figure / nullif(n.whole, 0) AS share, n.units_silent, g.as_of > g.deadline_to AS is_past
    FROM given g
    LEFT JOIN counted n USING (region, as_of, number)
),
judged AS (
    SELECT m.*,
        CASE
            WHEN m.stated_status = 'withdrawn' THEN 'withdrawn'
            WHEN m.measured_by IS NOT NULL THEN CASE
                WHEN m.share IS NULL THEN 'no_data'
                WHEN m.share >= m.threshold AND m.units_silent = 0 AND (m.deadline_kind <> 'ongoing' OR m.is_past) THEN 'done'
                WHEN m.share < m.threshold AND m.stated_status = 'done' THEN 'contradiction'
                WHEN m.is_past THEN 'overdue'
                ELSE 'in_progress'
            END
            WHEN m.stated_status = 'done' AND m.evidence IS NOT NULL THEN 'done'
            WHEN m.stated_status = 'done' THEN 'unproven'
            WHEN m.is_past THEN 'overdue'
            WHEN m.stated_status IS NULL THEN 'no_data'
            ELSE 'in_progress'
        END AS status
    FROM measured m
)
