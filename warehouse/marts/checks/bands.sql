-- The band of a rate is that of the rule that the row names; without a rate there is no data.
-- for each band
SELECT '{mart}' AS mart, m.as_of, {key}, m.{rate}, m.{band} FROM pg_temp.{mart} m
CROSS JOIN LATERAL ref.band_of(:region, m.{rule}, m.{rate}) AS b (judged)
WHERE m.{band} IS DISTINCT FROM b.judged OR (m.{rate} IS NULL) <> (m.{band} = 'no_data')
