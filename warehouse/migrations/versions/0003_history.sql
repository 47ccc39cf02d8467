-- Marts are kept in all their versions: a row is true from its publication until another one replaces it.

CREATE SCHEMA history;
COMMENT ON SCHEMA history IS 'Все версии строк витрин: что было опубликовано и с какого по какой момент.';

DO $$
DECLARE
    mart text;
BEGIN
    FOR mart IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'mart'::regnamespace AND c.relkind = 'v' LOOP
        EXECUTE format('DROP VIEW mart.%I', mart);
    END LOOP;
    FOR mart IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'mart'::regnamespace AND c.relkind = 'r' LOOP
        EXECUTE format('CREATE TABLE history.%1$I (LIKE mart.%1$I, published_at timestamptz NOT NULL,
                                                   replaced_at timestamptz NOT NULL DEFAULT ''infinity'',
                                                   PRIMARY KEY (as_of, position, published_at))', mart);
        EXECUTE format('INSERT INTO history.%1$I
                        SELECT m.*, coalesce((SELECT max(p.published_at) FROM ops.publication p WHERE p.as_of = m.as_of),
                                             now())
                        FROM mart.%1$I m', mart);
        EXECUTE format('CREATE UNIQUE INDEX ON history.%I (as_of, position) WHERE replaced_at = ''infinity''', mart);
        EXECUTE format('DROP TABLE mart.%I', mart);
    END LOOP;
END
$$;
DELETE FROM ops.applied WHERE name LIKE 'mart.%';

-- Reading the past again: a recorded request, the readings it proposes, and what they would change.

CREATE TABLE ops.backfill (
    backfill_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    status text NOT NULL CHECK (status IN ('planning', 'planned', 'applied', 'reverted', 'cancelled')),
    requested_by text NOT NULL CHECK (requested_by <> ''),
    reason text NOT NULL CHECK (reason ~ '\w+\W+\w+'),
    forms text[] NOT NULL,
    senders text[] NOT NULL,
    from_as_of date NOT NULL,
    to_as_of date NOT NULL,
    contract_version text NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    planned_at timestamptz,
    applied_at timestamptz,
    reverted_at timestamptz,
    cancelled_at timestamptz,
    CHECK (from_as_of <= to_as_of),
    CHECK (status = 'planning' OR planned_at IS NOT NULL OR cancelled_at IS NOT NULL),
    CHECK ((status IN ('applied', 'reverted')) = (applied_at IS NOT NULL)),
    CHECK ((status = 'reverted') = (reverted_at IS NOT NULL)),
    CHECK ((status = 'cancelled') = (cancelled_at IS NOT NULL))
);
COMMENT ON TABLE ops.backfill IS 'Пересчёты: кто, зачем и за какие даты просил прочитать доставки заново. Пустые forms и senders — все.';

CREATE TABLE ops.backfill_delivery (
    backfill_id bigint NOT NULL REFERENCES ops.backfill,
    delivery_id bigint NOT NULL REFERENCES ops.delivery,
    reading_before bigint NOT NULL REFERENCES ops.reading,
    outcome text NOT NULL DEFAULT 'waiting' CHECK (outcome IN ('waiting', 'same', 'proposed')),
    PRIMARY KEY (backfill_id, delivery_id)
);
COMMENT ON TABLE ops.backfill_delivery IS 'Доставки пересчёта: каким было прочтение и изменилось ли оно.';

CREATE TABLE ops.backfill_change (
    backfill_id bigint NOT NULL REFERENCES ops.backfill,
    mart text NOT NULL,
    as_of date NOT NULL,
    key text NOT NULL,
    name text,
    column_name text NOT NULL,
    before text,
    after text
);
CREATE INDEX backfill_change_backfill ON ops.backfill_change (backfill_id, mart, as_of);
COMMENT ON TABLE ops.backfill_change IS 'Что пересчёт изменил бы в витринах: строка, столбец, было, станет.';

ALTER TABLE ops.reading ADD COLUMN backfill_id bigint REFERENCES ops.backfill;
ALTER TABLE ops.reading ADD COLUMN digest text;
ALTER TABLE ops.reading ADD COLUMN confirmed_version text;
ALTER TABLE ops.reading ADD CONSTRAINT proposed_by CHECK (status NOT IN ('proposed', 'reverted') OR backfill_id IS NOT NULL);
CREATE INDEX reading_backfill ON ops.reading (backfill_id) WHERE backfill_id IS NOT NULL;
COMMENT ON COLUMN ops.reading.digest IS 'Отпечаток содержания прочтения: равные отпечатки — чтение заново ничего не изменило.';
COMMENT ON COLUMN ops.reading.confirmed_version IS 'Последняя версия контрактов, при которой прочтение осталось тем же.';
ALTER TABLE ops.run ADD COLUMN backfill_id bigint REFERENCES ops.backfill;
