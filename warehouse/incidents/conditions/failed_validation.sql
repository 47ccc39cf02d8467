-- A delivery is refused, or rows of it are set aside: one for each sender, form and class of rules, as it stands at the door.
-- What nobody can be asked about (an unknown form or sender) stands for `unknown_days`, unless its sender sent something since.
-- Places are in the state where a form comes once a campaign; where it comes every night their number is no news.
-- A document of nobody is of no region where several are in force, and stands by itself.
-- of: the region, and the installation
-- follows from: rule_classes
WITH standing AS MATERIALIZED (
    SELECT s.reading_id, r.delivery_id, s.form, s.sender, s.verdict, s.received_at, f.expected,
        left(d.sha256, 7) AS file, lower(substring(d.file_name FROM '\.([[:alnum:]]{1,5})$')) AS ending,
        CASE s.verdict WHEN 'refused' THEN 'refuse' ELSE 'error' END AS severity
    FROM (
        SELECT h.reading_id, h.form, h.sender, h.verdict, h.received_at FROM ops.standing_at(:region, :day, 'infinity') h
        UNION ALL
        SELECT n.reading_id, n.form, n.sender, n.verdict, ops.came_at(o)
        FROM ops.reading n JOIN ops.delivery o ON o.delivery_id = n.delivery_id
        WHERE cast(:region AS text) IS NULL AND n.region IS NULL AND n.verdict = 'refused' AND n.status = 'current'
    ) s
    JOIN ops.reading r ON r.reading_id = s.reading_id
    JOIN ops.delivery d ON d.delivery_id = r.delivery_id
    LEFT JOIN ref.form f ON f.form = s.form
    WHERE s.verdict <> 'accepted'
      AND (s.form IS NOT NULL AND s.sender IS NOT NULL
           OR s.received_at > cast(:now AS timestamptz) - make_interval(days => cast(:unknown_days AS integer))
              AND NOT EXISTS (SELECT FROM ops.reading n JOIN ops.delivery o ON o.delivery_id = n.delivery_id
                              WHERE n.sender = s.sender AND n.verdict <> 'refused' AND n.status IN ('current', 'superseded')
                                AND ops.came_at(o) > s.received_at))
),
register AS MATERIALIZED (
    SELECT g.reading_id FROM ref.register_known(:region, 'infinity') g WHERE g.valid_from <= :day AND :day < g.valid_to
),
broken AS MATERIALIZED (
    SELECT s.reading_id, g.rule, coalesce(cast(:rule_classes AS jsonb) ->> g.rule, 'values') AS rule_class, count(*) AS places
    FROM standing s
    CROSS JOIN LATERAL (
        SELECT e.rule FROM ops.finding e WHERE e.reading_id = s.reading_id AND e.severity = s.severity OFFSET 0
    ) g
    GROUP BY s.reading_id, g.rule
),
class AS (
    SELECT s.form, s.sender, p.rule_class, max(s.expected) AS expected,
        bool_or(s.verdict = 'refused') AS is_refused,
        array_agg(DISTINCT s.reading_id) AS readings,
        array_agg(DISTINCT s.delivery_id ORDER BY s.delivery_id) AS deliveries,
        max(s.file) FILTER (WHERE s.form IS NULL OR s.sender IS NULL) AS file,
        max(s.ending) FILTER (WHERE s.form IS NULL) AS ending
    FROM standing s JOIN broken p ON p.reading_id = s.reading_id
    GROUP BY s.form, s.sender, p.rule_class
)
SELECT
    c.form,
    c.sender,
    c.rule_class AS subject,
    jsonb_build_object(
        'verdict', CASE WHEN c.is_refused THEN 'refused' ELSE 'partial' END,
        'rules', CASE WHEN c.expected = 'day' THEN to_jsonb(b.named) ELSE b.counted END,
        'whose', CASE WHEN c.expected <> 'day' THEN w.fingerprint END
    ) AS state,
    jsonb_strip_nulls(jsonb_build_object(
        'places', b.places, 'rules', b.counted, 'schools', nullif(w.names, '[]'), 'schools_count', nullif(w.many, 0),
        'file', c.file, 'ending', c.ending
    )) AS details,
    c.deliveries
FROM class c
CROSS JOIN LATERAL (
    SELECT array_agg(r.rule ORDER BY r.rule) AS named, jsonb_object_agg(r.rule, r.places) AS counted, sum(r.places) AS places
    FROM (SELECT p.rule, sum(p.places) AS places FROM broken p
          WHERE p.reading_id = ANY (c.readings) AND p.rule_class = c.rule_class GROUP BY p.rule) r
) b
CROSS JOIN LATERAL (
    SELECT count(*) AS many, md5(string_agg(t.code, ' ' ORDER BY t.code)) AS fingerprint,
        coalesce(jsonb_agg(t.name ORDER BY t.code) FILTER (WHERE t.place <= 5), '[]') AS names
    FROM (
        SELECT i.school_code AS code, coalesce(n.short_name, i.school_code) AS name, row_number() OVER (ORDER BY i.school_code) AS place
        FROM core.school_outcome_fact o
        JOIN ref.school_identity i ON i.school_id = o.school_id
        LEFT JOIN LATERAL (SELECT f.short_name FROM core.school_register_fact f
                           WHERE f.school_id = o.school_id AND f.reading_id IN (SELECT g.reading_id FROM register g)
                           LIMIT 1) n ON true
        WHERE o.reading_id = ANY (c.readings) AND o.report_status = 'rejected' AND o.rules && b.named
    ) t
) w
