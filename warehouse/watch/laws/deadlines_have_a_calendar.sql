-- The year in which a campaign ends has a working calendar: else holidays would count as working days.
SELECT c.campaign || ' of ' || c.region AS place, format('no days off of %s are known', extract(year FROM c.deadline)) AS wrong
FROM ref.campaign c
WHERE c.is_listed AND NOT EXISTS (SELECT FROM ref.calendar_day e
                  WHERE e.region = '' AND extract(year FROM e.day) = extract(year FROM c.deadline))
