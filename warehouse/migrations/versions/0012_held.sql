-- A reading that would take away too much of what stands waits for an officer's decision.

ALTER TABLE ops.reading ADD COLUMN held_at timestamptz;
ALTER TABLE ops.reading ADD COLUMN decided_at timestamptz;
ALTER TABLE ops.reading ADD COLUMN decided_by text CHECK (decided_by <> '');
ALTER TABLE ops.reading ADD COLUMN decision_reason text CHECK (decision_reason ~ '\w');

ALTER TABLE ops.reading DROP CONSTRAINT reading_status_check;
ALTER TABLE ops.reading ADD CONSTRAINT reading_status_check CHECK (status IN (
    'current', 'superseded', 'proposed', 'reverted', 'unfinished', 'held', 'declined', 'overtaken'));
ALTER TABLE ops.reading DROP CONSTRAINT current_since;
ALTER TABLE ops.reading ADD CONSTRAINT current_since CHECK (
    status IN ('proposed', 'unfinished', 'held', 'declined', 'overtaken') OR became_current_at IS NOT NULL);
ALTER TABLE ops.reading ADD CONSTRAINT held_never_counted CHECK (
    status NOT IN ('held', 'declined', 'overtaken')
    OR (held_at IS NOT NULL AND became_current_at IS NULL AND verdict <> 'refused'));
ALTER TABLE ops.reading ADD CONSTRAINT held_until_decided CHECK (
    (status = 'held') = (held_at IS NOT NULL AND decided_at IS NULL));
ALTER TABLE ops.reading ADD CONSTRAINT decided_after_held CHECK (decided_at >= held_at);
ALTER TABLE ops.reading ADD CONSTRAINT decided_by_somebody_why CHECK (
    (decided_by IS NULL) = (decision_reason IS NULL) AND (decided_by IS NULL OR decided_at IS NOT NULL)
    AND (status <> 'declined' OR decided_by IS NOT NULL));
ALTER TABLE ops.reading ADD CONSTRAINT accepted_counts_from_the_decision CHECK (became_current_at >= decided_at);
CREATE INDEX reading_held ON ops.reading (form, sender) WHERE held_at IS NOT NULL;
COMMENT ON COLUMN ops.reading.held_at IS
    'С какого момента прочтение ждёт (ждало) решения сотрудника: оно отняло бы слишком много у действующего.';
COMMENT ON COLUMN ops.reading.decided_at IS
    'Когда решено: принято (status — current и дальше), отклонено (declined) или обогнано более новым файлом (overtaken).';
COMMENT ON COLUMN ops.reading.decided_by IS 'Кто решил; пусто у обогнанного.';
COMMENT ON COLUMN ops.reading.decision_reason IS 'Почему так решено.';

-- Completeness published from now on counts what is there, not files received; the law asks no more of what was before.
INSERT INTO ops.applied (name, fingerprint) VALUES ('completeness', 'counts what is there') ON CONFLICT (name) DO NOTHING;
