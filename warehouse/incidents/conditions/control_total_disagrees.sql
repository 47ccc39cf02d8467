-- A figure that a sender states (a total, a percent, a remainder) differs from what follows from the rows of the same document,
-- and its region has not put the rule aside, or made a note of it.
SELECT
    h.form,
    h.sender,
    '' AS subject,
    jsonb_build_object('figures', count(*), 'which', md5(string_agg(
        concat_ws(' ', t.reporting_unit, t.metric, t.difference), E'\n' ORDER BY t.reporting_unit, t.metric, t.difference
    ))) AS state,
    jsonb_build_object('differences', (
        jsonb_agg(jsonb_build_object('unit', coalesce(u.name, ''), 'metric', t.metric, 'difference', t.difference)
                  ORDER BY t.reporting_unit NULLS FIRST, t.metric) FILTER (WHERE t.place <= 5)
    )) AS details,
    array_agg(DISTINCT h.delivery_id) AS deliveries
FROM ops.reading_at(:region, :day, 'infinity') h
CROSS JOIN LATERAL (
    SELECT e.reporting_unit, e.metric, e.stated - e.computed AS difference,
        row_number() OVER (ORDER BY e.reporting_unit NULLS FIRST, e.metric, e.stated) AS place
    FROM core.control_total_fact e
    WHERE e.reading_id = h.reading_id AND e.verdict = 'disagrees'
      AND NOT EXISTS (SELECT FROM ops.finding n
                      WHERE n.reading_id = h.reading_id AND n.rule = 'COM-120'
                        AND n.value = cast(:controls AS jsonb) -> h.form ->> e.metric
                        AND NOT EXISTS (SELECT FROM ops.finding o
                                        WHERE o.reading_id = h.reading_id AND o.rule = n.value AND o.severity <> 'note'))
    OFFSET 0
) t
LEFT JOIN ref.unit_at(:region, :day) u ON u.reporting_unit = t.reporting_unit
GROUP BY h.form, h.sender
