-- An event has one host at most, and one without an agreement has a host; who was reached came to an event.
SELECT p.as_of, p.reporting_unit, p.month, p.practice_events, p.hosts, p.events_with_host, p.events_without_agreement, p.schools_reached, p.visits
FROM pg_temp.practice p
WHERE p.hosts > p.events_with_host OR p.events_with_host > p.practice_events OR p.events_without_agreement > p.events_with_host
   OR (p.practice_events > 0) <> (p.schools_reached > 0) OR p.visits < p.schools_reached
