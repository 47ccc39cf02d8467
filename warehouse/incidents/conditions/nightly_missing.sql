-- No night of the region has ended well for `hours`, although the service has been running for longer.
SELECT
    NULL::text AS form,
    NULL::text AS sender,
    '' AS subject,
    jsonb_build_object('last', l.finished_at) AS state,
    jsonb_build_object('hours', cast(:hours AS numeric)) AS details,
    '{}'::bigint[] AS deliveries
FROM (SELECT max(r.finished_at) AS finished_at FROM ops.run r
      WHERE r.region = :region AND r.kind = 'nightly' AND r.state LIKE 'completed%') l
WHERE (SELECT min(r.started_at) FROM ops.run r WHERE r.region = :region AND r.kind = 'nightly')
        < cast(:now AS timestamptz) - make_interval(secs => 3600 * cast(:hours AS double precision))
  AND coalesce(l.finished_at < cast(:now AS timestamptz) - make_interval(secs => 3600 * cast(:hours AS double precision)), true)
