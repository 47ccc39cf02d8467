-- Who was expected has one answer, and who reported did so in time or late.
SELECT as_of, form, sender, expected, received, on_time, late, accepted, partial, held, refused, missing, nothing_to_report
FROM pg_temp.reporting_rate r
WHERE expected IS DISTINCT FROM received + held + refused + missing + nothing_to_report
   OR received IS DISTINCT FROM accepted + partial
   OR received IS DISTINCT FROM on_time + late
   OR expected <> 1
   OR num_nonnulls(campaign, night) <> (SELECT (f.expected IN ('campaign', 'day'))::integer FROM ref.form f WHERE f.form = r.form)
   OR num_nulls(owed_from, owed_to) > 0 OR owed_from > owed_to OR night <> owed_from
   OR (first_received_at IS NULL) = (received = 1)
