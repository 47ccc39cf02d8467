-- A figure that a sender states (a total, a percent, a remainder) differs from what follows from the rows of the same document,
-- and its region has not put the rule aside, or made a note of it. A figure is no news once all findings of its rule in the
-- document are explained, and the explanations accepted.
WITH held AS MATERIALIZED (SELECT * FROM ops.reading_at(:region, :day, 'infinity')),
accepted AS MATERIALIZED (
    SELECT x.reading_id, x.rule, count(*) AS findings
    FROM ops.explained_at(:region, ARRAY(SELECT r.reading_id FROM held r), 'infinity') x
    WHERE x.decision = 'accepted' GROUP BY x.reading_id, x.rule
)
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
FROM held h
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
      AND NOT EXISTS (SELECT FROM accepted a
                      WHERE a.reading_id = h.reading_id AND a.rule = cast(:controls AS jsonb) -> h.form ->> e.metric
                        AND a.findings = (SELECT count(*) FROM ops.finding w
                                          WHERE w.reading_id = h.reading_id AND w.rule = a.rule AND w.severity = 'warning'))
    OFFSET 0
) t
LEFT JOIN ref.unit_at(:region, :day) u ON u.reporting_unit = t.reporting_unit
GROUP BY h.form, h.sender
