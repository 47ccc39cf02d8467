-- By which rules a reading was judged, and by which rules its date is to be judged.

CREATE TABLE ref.contract_version (
    form text NOT NULL REFERENCES ref.form,
    version text NOT NULL,
    position integer NOT NULL,
    judges_from date NOT NULL,
    fingerprints text[] NOT NULL CHECK (cardinality(fingerprints) > 0),
    what text NOT NULL CHECK (what <> ''),
    listed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (form, version)
);
COMMENT ON TABLE ref.contract_version IS
    'Версии правил формы: с какой даты данных каждая судит и что изменилось. Дату судит последняя (position) из начавших.';
COMMENT ON COLUMN ref.contract_version.fingerprints IS 'Отпечатки правил; несколько — одни и те же правила, записанные по-разному.';
COMMENT ON COLUMN ref.contract_version.listed_at IS 'Когда база узнала о версии.';

-- Readings of before are taken for those of the first version: nothing says otherwise.
ALTER TABLE ops.reading ADD COLUMN rules text;
COMMENT ON COLUMN ops.reading.rules IS
    'Отпечаток правил формы, по которым вынесен вердикт; пусто у прочтений, сделанных до учёта версий, и без формы.';
CREATE INDEX reading_rules ON ops.reading (form, rules, as_of) WHERE status = 'current';

-- A confirmation stands as long as its backfill does, so that taking the backfill back takes it back as well.
ALTER TABLE ops.backfill_delivery ADD COLUMN confirms text;
COMMENT ON COLUMN ops.backfill_delivery.confirms IS
    'Отпечаток других правил, по которым прочтение осталось тем же; пусто, если правила те же.';
CREATE INDEX backfill_delivery_confirms ON ops.backfill_delivery (reading_before) WHERE confirms IS NOT NULL;
ALTER TABLE ops.reading DROP COLUMN confirmed_version;
