-- Each listed school is on one level, and so is each class; nobody is listed who is not in the register.
SELECT u.as_of, u.reporting_unit, u.schools, u.schools_listed, u.schools_basic, u.schools_main, u.schools_advanced,
    u.classes, u.classes_basic, u.classes_main, u.classes_advanced
FROM pg_temp.level_coverage u
WHERE u.schools_listed > u.schools
   OR u.schools_listed <> u.schools_basic + u.schools_main + u.schools_advanced
   OR u.classes <> u.classes_basic + u.classes_main + u.classes_advanced
   OR u.schools_listed > u.classes
   OR u.pupils_planned > u.course_pupils
   OR (u.schools_listed IS NULL) <> (NOT u.report_received)
