-- A gap has no figures, a snapshot has pupils, and the days since the export say the same.
SELECT as_of, school_code, grade, export_as_of, is_gap, days_since_export, actual_pupils
FROM pg_temp.registration_snapshot
WHERE is_gap <> (days_since_export > 0) OR days_since_export < 0 OR is_gap <> (actual_pupils IS NULL)
   OR (is_gap AND num_nonnulls(
       unverified_pupils, archived_pupils,
       diagnostics, trials, excursions, museum_visits, masterclasses,
       diagnostics_pupils, trials_pupils, excursions_pupils, museum_visits_pupils, masterclasses_pupils
   ) > 0)
