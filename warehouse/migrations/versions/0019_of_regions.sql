-- The region is part of the keys: of campaigns, bands, readings, runs, publications, incidents and of every mart. A home of
-- before has one region, or has had none since.

CREATE TEMP TABLE only_region ON COMMIT DROP AS
SELECT r.region FROM ref.region r ORDER BY r.is_listed DESC, r.position LIMIT 1;

-- What is a region's own by its key.
ALTER TABLE ref.reporting_unit ADD COLUMN region text REFERENCES ref.region;
UPDATE ref.reporting_unit SET region = (SELECT region FROM only_region);
ALTER TABLE ref.reporting_unit ALTER COLUMN region SET NOT NULL;

ALTER TABLE ref.reporting_unit_alias ADD COLUMN region text REFERENCES ref.region;
UPDATE ref.reporting_unit_alias SET region = (SELECT region FROM only_region);
ALTER TABLE ref.reporting_unit_alias DROP CONSTRAINT reporting_unit_alias_pkey;
ALTER TABLE ref.reporting_unit_alias ADD PRIMARY KEY (region, alias);

ALTER TABLE ref.band_rule ADD COLUMN region text REFERENCES ref.region;
UPDATE ref.band_rule SET region = (SELECT region FROM only_region);
ALTER TABLE ref.band_rule DROP CONSTRAINT band_rule_pkey;
ALTER TABLE ref.band_rule ADD PRIMARY KEY (region, band_rule_version, band);

CREATE TABLE ref.collected (
    region text NOT NULL REFERENCES ref.region,
    form text NOT NULL REFERENCES ref.form,
    collected_from date NOT NULL,
    PRIMARY KEY (region, form)
);
COMMENT ON TABLE ref.collected IS
    'С какого дня регион собирает форму; за срок, который начался раньше, её никто не должен, а присланную примут.';
INSERT INTO ref.collected (region, form, collected_from)
SELECT o.region, f.form, f.collected_from FROM ref.form f, only_region o WHERE f.collected_from > '-infinity';
ALTER TABLE ref.form DROP COLUMN collected_from;

-- Documents, by their senders; what nobody is known to have sent is of the only region.
ALTER TABLE ops.reading ADD COLUMN region text REFERENCES ref.region;
UPDATE ops.reading r SET region = coalesce(
    (SELECT s.region FROM ref.sender s WHERE s.sender = r.sender), (SELECT region FROM only_region));
ALTER TABLE ops.reading ADD CONSTRAINT sender_has_a_region CHECK (sender IS NULL OR region IS NOT NULL);
CREATE INDEX reading_region ON ops.reading (region, form, sender, as_of);
COMMENT ON COLUMN ops.reading.region IS
    'Чей документ: регион отправителя; без отправителя — того, в чьей папке лежал файл, или единственный; иначе пусто.';

ALTER TABLE ops.statement ADD COLUMN region text REFERENCES ref.region;
UPDATE ops.statement n SET region = s.region FROM ref.sender s WHERE s.sender = n.sender;
ALTER TABLE ops.statement ALTER COLUMN region SET NOT NULL;

ALTER TABLE ops.backfill ADD COLUMN region text REFERENCES ref.region;
UPDATE ops.backfill SET region = (SELECT region FROM only_region);
ALTER TABLE ops.backfill ALTER COLUMN region SET NOT NULL;
COMMENT ON COLUMN ops.backfill.region IS 'Чьи даты он судит и чьи доставки читает заново.';

ALTER TABLE ops.reading DROP CONSTRAINT reading_campaign_fkey;
ALTER TABLE ops.statement DROP CONSTRAINT statement_campaign_fkey;
ALTER TABLE ops.backfill DROP CONSTRAINT backfill_campaign_fkey;
ALTER TABLE ref.campaign ADD COLUMN region text REFERENCES ref.region;
UPDATE ref.campaign SET region = (SELECT region FROM only_region);
ALTER TABLE ref.campaign DROP CONSTRAINT campaign_pkey;
ALTER TABLE ref.campaign ADD PRIMARY KEY (region, campaign);
ALTER TABLE ops.reading ADD FOREIGN KEY (region, campaign) REFERENCES ref.campaign;
ALTER TABLE ops.statement ADD FOREIGN KEY (region, campaign) REFERENCES ref.campaign;
ALTER TABLE ops.backfill ADD FOREIGN KEY (region, campaign) REFERENCES ref.campaign;

-- Schools: a code is of one region.
ALTER TABLE ref.school_identity ADD COLUMN region text REFERENCES ref.region;
UPDATE ref.school_identity SET region = (SELECT region FROM only_region);
ALTER TABLE ref.school_identity ALTER COLUMN region SET NOT NULL;
COMMENT ON COLUMN ref.school_identity.region IS 'Чья она: кто первым назвал её код.';

-- Runs, publications, incidents. A run that is of no one region, and what is wrong with the installation, has none.
ALTER TABLE ops.run ADD COLUMN region text REFERENCES ref.region;
UPDATE ops.run SET region = (SELECT region FROM only_region) WHERE kind NOT IN ('purge', 'watchdog');
COMMENT ON COLUMN ops.run.region IS 'Чей запуск; пусто, если он не одного региона.';

ALTER TABLE ops.publication ADD COLUMN region text REFERENCES ref.region;
UPDATE ops.publication SET region = (SELECT region FROM only_region);
ALTER TABLE ops.publication ALTER COLUMN region SET NOT NULL;
DROP INDEX ops.publication_as_of;
CREATE INDEX publication_region ON ops.publication (region, as_of);

ALTER TABLE ops.incident ADD COLUMN region text REFERENCES ref.region;
UPDATE ops.incident i SET region = coalesce(
    (SELECT s.region FROM ref.sender s WHERE s.sender = i.sender),
    (SELECT region FROM only_region WHERE i.condition NOT IN (
        'channel_failing', 'condition_failed', 'delivery_not_read', 'left_out')
        AND NOT (i.condition IN ('run_died', 'run_failed') AND i.subject IN ('purge', 'watchdog'))));
DROP INDEX ops.one_open_incident;
CREATE UNIQUE INDEX one_open_incident
    ON ops.incident (condition, coalesce(region, ''), coalesce(form, ''), coalesce(sender, ''), subject)
    WHERE state = 'open';
COMMENT ON COLUMN ops.incident.region IS 'Чей инцидент; пусто, если он о самой установке.';

-- By which versions of inputs a date of a region is judged: its own, and those that all regions share.
ALTER TABLE ops.date_input RENAME COLUMN region TO input_region;
ALTER TABLE ops.date_input ADD COLUMN region text REFERENCES ref.region;
UPDATE ops.date_input SET region = (SELECT region FROM only_region);
ALTER TABLE ops.date_input DROP CONSTRAINT date_input_pkey;
ALTER TABLE ops.date_input ADD PRIMARY KEY (region, as_of, input_region, input);
COMMENT ON COLUMN ops.date_input.region IS 'Чья дата.';
COMMENT ON COLUMN ops.date_input.input_region IS 'Чей справочник; пусто — общий для всех регионов.';
ALTER TABLE ops.backfill_input RENAME COLUMN region TO input_region;
COMMENT ON COLUMN ops.backfill_input.input_region IS 'Чей справочник; пусто — общий для всех регионов.';

ALTER TABLE ops.judged_across ADD COLUMN region text REFERENCES ref.region;
UPDATE ops.judged_across SET region = (SELECT region FROM only_region);
ALTER TABLE ops.judged_across DROP CONSTRAINT judged_across_pkey;
ALTER TABLE ops.judged_across ADD PRIMARY KEY (region, academic_year);

ALTER TABLE ops.finding_across ADD COLUMN region text REFERENCES ref.region;
UPDATE ops.finding_across a SET region = r.region FROM ops.reading r WHERE r.reading_id = a.reading_id;
ALTER TABLE ops.finding_across ALTER COLUMN region SET NOT NULL;
DROP INDEX ops.finding_across_open;
CREATE INDEX finding_across_open ON ops.finding_across (region, academic_year) WHERE gone_at = 'infinity';

-- Marts: their views and functions go, and are made anew when this upgrade is done, or at the next publication.
DO $$
DECLARE
    gone record;
    mart text;
    of_region text := (SELECT region FROM only_region);
BEGIN
    -- With which columns each was published last: the same ones, and the region before them.
    INSERT INTO ops.applied (name, fingerprint)
    SELECT format('history.%s of %s', c.relname, of_region), 'region text, ' || string_agg(
        a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum)
    FROM pg_class c
    JOIN pg_class t ON t.relname = c.relname AND t.relnamespace = 'history'::regnamespace AND t.relkind = 'r'
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relnamespace = 'mart'::regnamespace AND c.relkind = 'v' AND of_region IS NOT NULL
    GROUP BY c.relname;
    DELETE FROM ops.applied WHERE name LIKE 'mart.%' OR name = 'history.figure';
    FOR gone IN SELECT p.oid::regprocedure AS function FROM pg_proc p WHERE p.pronamespace = 'mart'::regnamespace LOOP
        EXECUTE format('DROP FUNCTION %s', gone.function);
    END LOOP;
    FOR gone IN SELECT format('%I.%I', c.relnamespace::regnamespace, c.relname) AS view FROM pg_class c
                WHERE c.relnamespace IN ('mart'::regnamespace, 'history'::regnamespace) AND c.relkind = 'v' LOOP
        EXECUTE format('DROP VIEW IF EXISTS %s CASCADE', gone.view);
    END LOOP;
    FOR mart IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'history'::regnamespace AND c.relkind = 'r' LOOP
        -- With a default the rows need not be written anew, however many versions of them there are.
        EXECUTE format('ALTER TABLE history.%I ADD COLUMN region text NOT NULL DEFAULT %L', mart, of_region);
        EXECUTE format('ALTER TABLE history.%I ALTER COLUMN region DROP DEFAULT', mart);
        FOR gone IN SELECT i.indexrelid::regclass AS index FROM pg_index i
                    WHERE i.indrelid = format('history.%I', mart)::regclass AND NOT i.indisprimary LOOP
            EXECUTE format('DROP INDEX %s', gone.index);
        END LOOP;
        FOR gone IN SELECT k.conname AS name FROM pg_constraint k
                    WHERE k.conrelid = format('history.%I', mart)::regclass AND k.contype = 'p' LOOP
            EXECUTE format('ALTER TABLE history.%I DROP CONSTRAINT %I', mart, gone.name);
        END LOOP;
        EXECUTE format('ALTER TABLE history.%I ADD PRIMARY KEY (region, as_of, position, published_at)', mart);
        EXECUTE format('CREATE UNIQUE INDEX ON history.%I (as_of, region, position) WHERE replaced_at = ''infinity''', mart);
    END LOOP;
END
$$;
DROP FUNCTION IF EXISTS ref.band_of(text, numeric);
