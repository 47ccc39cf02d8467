-- Regions, each with its time zone; senders, inputs and what was judged by them are a region's. Before there was one region.

CREATE TABLE ref.region (
    region text PRIMARY KEY,
    name text NOT NULL,
    time_zone text NOT NULL,
    language text NOT NULL,
    "position" smallint NOT NULL,
    is_listed boolean NOT NULL DEFAULT true
);
COMMENT ON TABLE ref.region IS 'Регионы: папка каждого, часовой пояс его ведомств и язык писем.';
COMMENT ON COLUMN ref.region.is_listed IS
    'Есть ли его папка сейчас; строка убранного остаётся, на неё ссылаются отправители.';
INSERT INTO ref.region (region, name, time_zone, language, position)
SELECT '69', 'Томская область', 'Asia/Tomsk', 'ru', 1 WHERE EXISTS (SELECT FROM ref.sender);

ALTER TABLE ref.sender ADD COLUMN region text REFERENCES ref.region;
UPDATE ref.sender SET region = '69';
ALTER TABLE ref.sender ALTER COLUMN region SET NOT NULL;
COMMENT ON COLUMN ref.sender.region IS 'Чей он.';

ALTER TABLE ref.input_version ADD COLUMN region text NOT NULL DEFAULT '';
UPDATE ref.input_version SET region = '69' WHERE input IN (
    'band_rules', 'campaigns', 'reporting_unit_aliases', 'reporting_units', 'sender_addresses', 'senders', 'thresholds');
ALTER TABLE ref.input_version ALTER COLUMN region DROP DEFAULT;
ALTER TABLE ref.input_version DROP CONSTRAINT input_version_input_version_fingerprint_key;
ALTER TABLE ref.input_version ADD UNIQUE (region, input, version, fingerprint);
COMMENT ON COLUMN ref.input_version.region IS 'Чей это справочник; пусто — общий для всех регионов.';

ALTER TABLE ops.date_input ADD COLUMN region text;
UPDATE ops.date_input d SET region = v.region FROM ref.input_version v WHERE v.input_version = d.input_version;
ALTER TABLE ops.date_input DROP CONSTRAINT date_input_pkey;
ALTER TABLE ops.date_input ADD PRIMARY KEY (as_of, region, input);

ALTER TABLE ops.backfill_input ADD COLUMN region text;
UPDATE ops.backfill_input i SET region = v.region FROM ref.input_version v WHERE v.input_version = i.version_after;
ALTER TABLE ops.backfill_input DROP CONSTRAINT backfill_input_pkey;
ALTER TABLE ops.backfill_input ADD PRIMARY KEY (backfill_id, as_of, region, input);
DROP INDEX ops.backfill_input_date;
CREATE INDEX backfill_input_date ON ops.backfill_input (as_of, region, input);
