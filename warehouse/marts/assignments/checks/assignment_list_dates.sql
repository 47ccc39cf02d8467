-- A deadline has a last day and no first day after it; a day has no first day at all.
SELECT a.as_of, a.number, a.deadline_kind, a.deadline_from, a.deadline_to
FROM pg_temp.assignment_list a
WHERE (a.deadline_kind IS NULL) <> (a.deadline_to IS NULL)
   OR a.deadline_from > a.deadline_to
   OR (a.deadline_kind = 'date') <> (a.deadline_kind IS NOT NULL AND a.deadline_from IS NULL)
