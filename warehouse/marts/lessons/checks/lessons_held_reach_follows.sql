-- Who is in no journal has no figures; what is said of the reach follows from the days, weeks and lessons that are left.
SELECT m.as_of, m.school_code, m.grade, m.letter, m.journal_status, m.lessons_held, m.lessons_left, m.days_left, m.weeks_left,
    m.slack, m.reach
FROM pg_temp.lessons_held m
WHERE (m.journal_status IS NOT DISTINCT FROM 'listed') <> (m.lessons_held IS NOT NULL)
   OR m.last_held_on > m.journal_as_of
   OR (m.lessons_held = 0) <> (m.last_held_on IS NULL)
   OR m.weeks_without > m.lessons_due
   OR m.slack IS DISTINCT FROM m.days_left - m.lessons_left
   OR m.reach = 'done' AND m.hours_held < m.hours_norm
   OR m.reach = 'on_day' AND m.slack < 0
   OR m.reach = 'other_days' AND (m.slack >= 0 OR m.weeks_left < m.lessons_left)
   OR m.reach = 'out_of_reach' AND m.weeks_left >= m.lessons_left
   OR NOT m.is_listed AND m.lessons_held IS NULL
