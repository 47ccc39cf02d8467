-- Every agreement that a unit lists is an agreement of a partner, and the other way round.
SELECT coalesce(p.as_of, u.as_of) AS as_of, p.agreements, u.agreements AS of_units, p.valid, u.valid AS valid_of_units
FROM (SELECT as_of, sum(agreements) AS agreements, sum(agreements_valid) AS valid FROM pg_temp.partners GROUP BY as_of) p
FULL JOIN (
    SELECT as_of, sum(agreements) AS agreements, sum(agreements_valid) AS valid FROM pg_temp.partners_by_unit GROUP BY as_of
) u ON u.as_of = p.as_of
WHERE (coalesce(p.agreements, 0), coalesce(p.valid, 0)) <> (coalesce(u.agreements, 0), coalesce(u.valid, 0))
