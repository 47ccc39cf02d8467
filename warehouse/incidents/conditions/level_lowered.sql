-- A school is on a lower level than by a list that held within the last `days` of the same academic year. Lists are few, and
-- marts of every night are many: so the lists are asked.
WITH listed AS (
    SELECT DISTINCT ON (r.sender, r.as_of) r.reading_id, r.sender, r.as_of
    FROM ops.reading_known(:region, 'infinity') r
    WHERE r.form = 'level_choice' AND r.as_of <= :day AND ref.academic_year(r.as_of) = ref.academic_year(:day)
    ORDER BY r.sender, r.as_of, r.counts_at DESC, r.delivery_id DESC, r.reading_id DESC
),
spans AS (
    SELECT l.*, lead(l.as_of, 1, 'infinity') OVER (PARTITION BY l.sender ORDER BY l.as_of) AS replaced_on FROM listed l
),
school AS (
    SELECT s.sender, s.as_of, s.replaced_on, f.school_id, max(v.position) AS place
    FROM spans s
    CROSS JOIN LATERAL (SELECT * FROM core.level_choice_fact e WHERE e.reading_id = s.reading_id OFFSET 0) f
    JOIN ref.level v ON v.level = f.level
    WHERE s.replaced_on > cast(:day AS date) - cast(:days AS integer)
    GROUP BY s.sender, s.as_of, s.replaced_on, f.school_id
),
before AS (
    SELECT DISTINCT ON (n.sender, n.school_id) n.sender, n.school_id, n.place, n.as_of, b.place AS place_before,
        b.as_of AS before_as_of
    FROM school n
    JOIN school b ON b.sender = n.sender AND b.school_id = n.school_id AND b.as_of < n.as_of AND b.place > n.place
    WHERE n.replaced_on = 'infinity'
    ORDER BY n.sender, n.school_id, b.place DESC, b.as_of DESC
)
SELECT
    'level_choice' AS form,
    b.sender,
    i.school_code AS subject,
    jsonb_build_object('level', lower(l.name), 'level_before', lower(h.name)) AS state,
    jsonb_build_object('school', coalesce(s.short_name, i.school_code), 'before_as_of', b.before_as_of, 'as_of', b.as_of)
        AS details,
    '{}'::bigint[] AS deliveries
FROM before b
JOIN ref.school_identity i ON i.school_id = b.school_id
JOIN ref.level l ON l.position = b.place
JOIN ref.level h ON h.position = b.place_before
LEFT JOIN ref.school_at(:region, :day, 'infinity') s ON s.school_id = b.school_id
