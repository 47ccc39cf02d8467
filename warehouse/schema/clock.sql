-- The moment of whatever is ordered by moments: what we knew, what we published, what came to be taken back. Clocks step
-- back (a clock that was ahead is set right, a machine is restored, another one takes over), and then what comes later
-- would seem to be earlier: refused by a constraint, overlooked by whoever asks what is new, or written over by the old.
-- So a moment is never before or at one that is recorded already.

CREATE INDEX IF NOT EXISTS reading_became_current ON ops.reading (became_current_at);
CREATE INDEX IF NOT EXISTS reading_superseded ON ops.reading (superseded_at);
CREATE INDEX IF NOT EXISTS publication_published ON ops.publication (published_at);

CREATE OR REPLACE FUNCTION ops.clock() RETURNS timestamptz LANGUAGE sql VOLATILE SET search_path = '' AS $$
    SELECT greatest(clock_timestamp(), interval '1 microsecond' + greatest(
        (SELECT max(r.became_current_at) FROM ops.reading r),
        (SELECT max(r.superseded_at) FROM ops.reading r),
        (SELECT max(p.published_at) FROM ops.publication p),
        (SELECT max(s.recorded_at) FROM ops.statement s),
        (SELECT max(e.said_at) FROM ops.explanation e),
        (SELECT max(d.decided_at) FROM ops.explanation_decision d),
        (SELECT max(greatest(b.requested_at, b.planned_at, b.applied_at, b.reverted_at, b.cancelled_at)) FROM ops.backfill b)))
$$;
