-- A figure of the academic year stands only on the snapshots it needs, each of exactly its day. It is never negative, and
-- complete means that none is missing.
WITH told AS (
    SELECT as_of, school_code, status, export_as_of, base_as_of, year_end_as_of,
        ARRAY[
            diagnostics, trials, excursions, museum_visits, masterclasses,
            diagnostics_pupils, trials_pupils, excursions_pupils, museum_visits_pupils, masterclasses_pupils
        ] AS calendar,
        ARRAY[
            diagnostics_academic_year, trials_academic_year, excursions_academic_year,
            museum_visits_academic_year, masterclasses_academic_year
        ] AS academic
    FROM pg_temp.activity_by_school
)
SELECT * FROM told
WHERE export_as_of <> as_of
   OR base_as_of <> make_date(ref.academic_year(as_of), 8, 31)
   OR year_end_as_of <> make_date(ref.academic_year(as_of), 12, 31)
   OR 0 > ANY (calendar) OR 0 > ANY (academic)
   OR (status = 'complete') <> (array_position(academic, NULL) IS NULL)
   OR (status IN ('no_export', 'no_base', 'no_year_end') AND num_nonnulls(VARIADIC academic) > 0)
   OR (status = 'no_export' AND num_nonnulls(VARIADIC calendar) > 0)
   OR (status IN ('complete', 'inconsistent', 'not_stated') AND (export_as_of IS NULL OR base_as_of IS NULL
       OR (extract(month FROM as_of) < 9 AND year_end_as_of IS NULL)))
