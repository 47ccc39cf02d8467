-- A row a school whose report states more navigators, or more trained ones, than its sender's list has in the role.
WITH listed AS (
    SELECT h.sender, h.reading_id, h.as_of FROM held h WHERE h.form = 'staff'
),
navigator AS MATERIALIZED (
    SELECT l.sender, l.reading_id, f.school_id,
        count(*) FILTER (WHERE s.serves) AS navigators,
        count(*) FILTER (WHERE s.serves AND f.trained) AS trained
    FROM listed l
    CROSS JOIN LATERAL (SELECT * FROM core.staff_fact e WHERE e.reading_id = l.reading_id OFFSET 0) f
    CROSS JOIN LATERAL (
        SELECT f.role = 'navigator' AND f.person_key <> 'vacant' AND coalesce(f.valid_from, l.as_of) <= l.as_of
            AND coalesce(f.valid_to, l.as_of) >= l.as_of AS serves
    ) s
    GROUP BY l.sender, l.reading_id, f.school_id
)
SELECT n.reading_id, h.reading_id AS other_reading_id, f.school_id, NULL AS place,
    format('навигаторов %s, обучено %s', n.navigators, n.trained) AS value,
    format('не меньше: навигаторов %s, обучено %s', f.navigators, f.navigators_trained) AS expected,
    least(n.navigators - f.navigators, n.trained - f.navigators_trained) AS difference
FROM navigator n
JOIN listed l ON l.reading_id = n.reading_id
JOIN held h ON h.form = 'readiness_report' AND h.sender = n.sender
    AND ref.academic_year(h.as_of + 31) = ref.academic_year(l.as_of)
CROSS JOIN LATERAL (SELECT * FROM core.readiness_report_fact e WHERE e.reading_id = h.reading_id OFFSET 0) f
WHERE f.school_id = n.school_id AND (n.navigators < f.navigators OR n.trained < f.navigators_trained)
