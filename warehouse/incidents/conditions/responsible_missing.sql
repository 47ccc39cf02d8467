-- Schools have had nobody valid who answers for the minimum for more than `days` working days, by the list of their sender: the
-- post is vacant, nobody is named, or who is named may not be. Where nobody says since when, since the date of the list.
-- follows from: calendar
WITH school AS (
    SELECT m.reporting_unit, m.school_code, m.school_name, coalesce(m.vacant_since, m.report_as_of) AS since,
        row_number() OVER (PARTITION BY m.reporting_unit ORDER BY m.position) AS place
    FROM mart.staffing_by_school m
    WHERE m.region = :region
      AND m.as_of = (SELECT max(o.as_of) FROM mart.staffing_by_school o WHERE o.region = :region AND o.as_of <= :day)
      AND m.academic_year = ref.academic_year(:day)
      AND m.responsible_status IN ('vacant', 'missing', 'invalid')
      AND ref.working_days_between(:region, coalesce(m.vacant_since, m.report_as_of), :day) > :days
)
SELECT
    'staff' AS form,
    s.reporting_unit AS sender,
    '' AS subject,
    jsonb_build_object('which', md5(string_agg(s.school_code, ' ' ORDER BY s.school_code))) AS state,
    jsonb_build_object('schools', count(*), 'since', min(s.since), 'names',
        string_agg(s.school_name, '; ' ORDER BY s.place) FILTER (WHERE s.place <= 5)
            || CASE WHEN count(*) > 5 THEN format(' и ещё %s', count(*) - 5) ELSE '' END) AS details,
    '{}'::bigint[] AS deliveries
FROM school s
GROUP BY s.reporting_unit
