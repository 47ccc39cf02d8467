-- A class has the lesson or not, on Thursday or not; who is not in a timetable has no figures.
SELECT m.as_of, m.school_code, m.timetable_status, m.classes_6_11, m.classes_in_timetable, m.classes_with_slot,
    m.classes_on_thursday, m.classes_without_slot, m.classes_in_part, m.classes_in_doubt, m.contradiction
FROM pg_temp.lessons_in_timetable m
WHERE m.classes_with_slot + m.classes_without_slot <> m.classes_6_11
   OR m.classes_on_thursday > m.classes_with_slot
   OR m.classes_in_part > m.classes_with_slot
   OR m.classes_in_doubt > m.classes_without_slot
   OR NOT m.classes_with_slot <= m.classes_in_timetable
   OR NOT m.classes_in_timetable <= m.classes_6_11
   OR (m.timetable_status IS NOT DISTINCT FROM 'listed') <> (m.classes_6_11 IS NOT NULL)
   OR m.contradiction IS NOT NULL AND (m.said_in_timetable IS NULL OR m.classes_6_11 IS NULL)
   OR m.contradiction = 'no_slot' AND m.classes_with_slot > 0
