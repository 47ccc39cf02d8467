-- Who was expected has one answer, and who reported did so in time or late.
SELECT as_of, form, sender, expected, received, on_time, late, accepted, partial, held, refused, missing, nothing_to_report
FROM pg_temp.reporting_rate
WHERE expected IS DISTINCT FROM received + held + refused + missing + nothing_to_report
   OR received IS DISTINCT FROM accepted + partial
   OR received IS DISTINCT FROM on_time + late
   OR expected <> 1
   OR (campaign IS NULL) = (night IS NULL)
   OR (first_received_at IS NULL) = (received = 1)
