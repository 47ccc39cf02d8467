-- A file that lies in the inbox as it lay there before is neither read nor recorded again.

ALTER TABLE ops.arrival ADD COLUMN inbox_path text;
ALTER TABLE ops.arrival ADD COLUMN stamp text;
ALTER TABLE ops.arrival ADD CONSTRAINT stamped_in_the_inbox CHECK ((inbox_path IS NULL) = (stamp IS NULL));
COMMENT ON COLUMN ops.arrival.inbox_path IS 'Где файл лежал во входящих; пусто, если пришёл иначе.';
COMMENT ON COLUMN ops.arrival.stamp IS 'Размер и время изменения файла: тот же путь с той же отметкой второй раз не читают.';
CREATE INDEX arrival_inbox ON ops.arrival (inbox_path, stamp) WHERE inbox_path IS NOT NULL;
CREATE INDEX arrival_container ON ops.arrival (container_id) WHERE container_id IS NOT NULL;

-- What was loaded is also answered, by a later run if the run that loaded it did not come so far.

ALTER TABLE ops.reading ADD COLUMN answered_at timestamptz;
UPDATE ops.reading SET answered_at = became_current_at;
COMMENT ON COLUMN ops.reading.answered_at IS 'Когда квитанция записана; пересчёт квитанций не пишет.';
CREATE INDEX reading_unanswered ON ops.reading (delivery_id, reading_id) WHERE answered_at IS NULL AND backfill_id IS NULL;
