-- Which finding an explanation is of, and what is said of a finding as known at a moment. Applied whenever this file changes.

-- The span within which a finding of a document stays the same one: its campaign, its month, else its academic year (an export of
-- each night is explained once a year); of a form without a period always. Null where the document says too little of itself.
CREATE FUNCTION ops.explained_within(reading ops.reading) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE f.period
        WHEN 'campaign' THEN reading.campaign
        WHEN 'month' THEN to_char(reading.as_of, 'YYYY-MM')
        WHEN 'none' THEN 'always'
        ELSE ref.academic_year(reading.as_of)::text
    END
    FROM ref.form f WHERE f.form = reading.form AND reading.sender IS NOT NULL
$$;

-- What makes two findings the same one. `whose` is the row (the school, the class) of which it is.
CREATE FUNCTION ops.finding_key(sender text, form text, span text, rule text, column_name text, whose text, value text)
RETURNS text LANGUAGE sql STABLE AS $$
    SELECT md5(jsonb_build_array(sender, form, span, rule, column_name, whose, value)::text)
$$;

-- Of a row that nothing tells apart but its number (rows are people, or it was read before rows had keys) the finding is the
-- same in the same file alone. A finding of a table or a file is told apart by what stands there.
CREATE FUNCTION ops.whose_row(finding ops.finding, sha256 text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(finding.row_key, CASE WHEN finding.scope IN ('cell', 'row', 'register') AND finding.row_no IS NOT NULL
                                          THEN concat_ws('!', sha256, finding.sheet, finding.row_no) END)
$$;

CREATE FUNCTION ops.across_key(reading ops.reading, rule text, school_id bigint, place text, value text)
RETURNS text LANGUAGE sql STABLE AS $$
    SELECT ops.finding_key(reading.sender, reading.form, w.span, rule, NULL,
        concat_ws('!', (SELECT i.school_code FROM ref.school_identity i WHERE i.school_id = $3), place), value)
    FROM ops.explained_within(reading) AS w (span) WHERE w.span IS NOT NULL
$$;

-- The warnings of readings and which findings they are: those of a file by its finding, and those that are said across forms now.
CREATE FUNCTION ops.warnings_of(readings bigint[])
RETURNS TABLE (reading_id bigint, finding_id bigint, finding_across_id bigint, form text, sender text, span text, rule text,
               finding_key text)
LANGUAGE sql STABLE ROWS 1000 SET search_path = '' AS $$
    WITH asked AS MATERIALIZED (
        SELECT r.reading_id, r.form, r.sender, r AS reading, w.span, d.sha256
        FROM ops.reading r
        JOIN ops.delivery d ON d.delivery_id = r.delivery_id
        CROSS JOIN LATERAL (SELECT ops.explained_within(r) AS span) w
        WHERE r.reading_id = ANY (readings) AND w.span IS NOT NULL
    )
    SELECT a.reading_id, f.finding_id, NULL::bigint, a.form, a.sender, a.span, f.rule,
        ops.finding_key(a.sender, a.form, a.span, f.rule, f.column_name, ops.whose_row(f.finding, a.sha256), f.value)
    FROM asked a
    CROSS JOIN LATERAL (
        SELECT e AS finding, e.* FROM ops.finding e WHERE e.reading_id = a.reading_id AND e.severity = 'warning' OFFSET 0
    ) f
    UNION ALL
    SELECT a.reading_id, NULL, o.finding_across_id, a.form, a.sender, a.span, o.rule,
        ops.across_key(a.reading, o.rule, o.school_id, o.place, o.value)
    FROM asked a
    JOIN ops.finding_across o ON o.reading_id = a.reading_id AND o.gone_at = 'infinity'
    JOIN ref.rule k ON k.rule = o.rule
    WHERE coalesce(o.state ->> 'state', k.severity) = 'warning'
$$;

-- What holds of explanations in a region as known at a moment, each with the decision that stood then.
CREATE FUNCTION ops.explanation_at(of_region text, known timestamptz)
RETURNS TABLE (explanation_id bigint, form text, sender text, span text, rule text, finding_key text, decision text,
               known_at timestamptz)
LANGUAGE sql STABLE ROWS 100 SET search_path = '' AS $$
    SELECT e.explanation_id, e.form, e.sender, e.span, e.rule, e.finding_key, d.decision, greatest(e.said_at, d.decided_at)
    FROM ops.explanation e
    LEFT JOIN LATERAL (
        SELECT o.decision, o.decided_at FROM ops.explanation_decision o
        WHERE o.explanation_id = e.explanation_id AND o.decided_at <= known
        ORDER BY o.decided_at DESC, o.decision_id DESC LIMIT 1
    ) d ON true
    WHERE e.region = of_region AND e.said_at <= known AND (e.gone_at > known OR e.gone_at = 'infinity')
$$;

-- The warnings of files that are explained, as known at a moment: one whose explanation was refused is not.
CREATE FUNCTION ops.explained_at(of_region text, readings bigint[], known timestamptz)
RETURNS TABLE (reading_id bigint, finding_id bigint, rule text, column_name text, decision text, known_at timestamptz)
LANGUAGE sql STABLE ROWS 100 SET search_path = '' AS $$
    WITH said AS MATERIALIZED (
        SELECT * FROM ops.explanation_at(of_region, known) e WHERE e.decision IS DISTINCT FROM 'refused'
    ),
    asked AS MATERIALIZED (
        SELECT r.reading_id, r.form, r.sender, w.span, d.sha256
        FROM ops.reading r
        JOIN ops.delivery d ON d.delivery_id = r.delivery_id
        CROSS JOIN LATERAL (SELECT ops.explained_within(r) AS span) w
        WHERE r.reading_id = ANY (readings) AND (r.form, r.sender, w.span) IN (SELECT s.form, s.sender, s.span FROM said s)
    ),
    found AS MATERIALIZED (
        SELECT a.reading_id, f.finding_id, f.rule, f.column_name,
            ops.finding_key(a.sender, a.form, a.span, f.rule, f.column_name, ops.whose_row(f.finding, a.sha256), f.value)
                AS finding_key
        FROM asked a
        CROSS JOIN LATERAL (
            SELECT e AS finding, e.* FROM ops.finding e WHERE e.reading_id = a.reading_id AND e.severity = 'warning' OFFSET 0
        ) f
        WHERE f.rule IN (SELECT s.rule FROM said s)
    )
    SELECT f.reading_id, f.finding_id, f.rule, f.column_name, s.decision, s.known_at
    FROM found f JOIN said s ON s.finding_key = f.finding_key
$$;
