-- A class has a row for each direction of its level, and its norms add up to those of the level.
SELECT h.as_of, h.school_code, h.grade, h.letter, h.level, sum(h.hours_norm) AS norms, n.hours AS of_level
FROM pg_temp.hours_delivery h
JOIN (
    SELECT d.region, d.as_of, n.level, sum(n.hours) AS hours
    FROM (SELECT DISTINCT region, as_of FROM pg_temp.hours_delivery) d
    CROSS JOIN LATERAL ref.level_norm_at(d.region, d.as_of) n
    GROUP BY d.region, d.as_of, n.level
) n ON n.region = h.region AND n.as_of = h.as_of AND n.level = h.level
GROUP BY h.region, h.as_of, h.school_code, h.grade, h.letter, h.level, n.hours
HAVING sum(h.hours_norm) <> n.hours
