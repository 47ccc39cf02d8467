-- A document is of the region of its sender, and so is each school that a register names.
SELECT 'reading ' || r.reading_id AS place, format('it is of region %s, its sender of %s', r.region, s.region) AS wrong
FROM ops.reading r
JOIN ref.sender s ON s.sender = r.sender
WHERE r.region <> s.region
UNION ALL
SELECT DISTINCT 'school ' || i.school_code, format('it is of region %s, and a register of %s names it', i.region, r.region)
FROM core.school_register_fact f
JOIN ops.reading r ON r.reading_id = f.reading_id
JOIN ref.school_identity i ON i.school_id = f.school_id
WHERE i.region <> r.region
