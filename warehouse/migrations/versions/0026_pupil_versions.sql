-- Rows of pupils are kept as long as they are the same, in place of a copy of each export. Readings of one form, sender
-- and academic year follow one another in the order of their numbers (a series): a version is a row of each reading from
-- the first one up to the one in which it was gone.

CREATE TABLE restricted.pupil_series (
    series_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    form text NOT NULL,
    sender text NOT NULL,
    academic_year smallint NOT NULL,
    region_group smallint NOT NULL,
    UNIQUE (form, sender, academic_year)
);
COMMENT ON TABLE restricted.pupil_series IS
    'Выгрузки одной формы и отправителя за учебный год: каждая записана как отличие от предыдущей.';

CREATE TABLE restricted.pupil_reading (
    reading_id bigint PRIMARY KEY REFERENCES ops.reading,
    series_id integer NOT NULL REFERENCES restricted.pupil_series,
    as_of date NOT NULL,
    contract_version text NOT NULL,
    circumstances text NOT NULL
);
CREATE INDEX pupil_reading_of_series ON restricted.pupil_reading (series_id, reading_id);
COMMENT ON TABLE restricted.pupil_reading IS
    'Прочтения, строки которых хранятся. circumstances: от чего, кроме файла, зависело, как понята строка.';

CREATE TABLE restricted.pupil_version (
    academic_year smallint NOT NULL,
    region_group smallint NOT NULL,
    series_id integer NOT NULL,
    first_reading bigint NOT NULL,
    gone_reading bigint CHECK (gone_reading > first_reading),
    line bigint NOT NULL,
    namesake bigint NOT NULL,
    pupil_key bytea NOT NULL CHECK (octet_length(pupil_key) = 16),
    school_id bigint NOT NULL,
    grade smallint NOT NULL,
    state smallint NOT NULL,
    is_whole boolean NOT NULL,
    is_clean boolean NOT NULL,
    diagnostics smallint,
    trials smallint,
    excursions smallint,
    museum_visits smallint,
    masterclasses smallint
) PARTITION BY RANGE (academic_year, region_group);
COMMENT ON TABLE restricted.pupil_version IS
    'Строки выгрузок под псевдонимом (HMAC с ключом), каждая столько раз, сколько она менялась. Строка есть в прочтениях '
    'с first_reading до gone_reading (его не включая). state: 1 считается, 2 не подтверждён, 3 в архиве.';

-- The rows of a reading, as a full copy of them would have them.
CREATE FUNCTION restricted.pupils_of(of_reading bigint) RETURNS SETOF restricted.pupil_version LANGUAGE sql STABLE AS $$
    SELECT v.*
    FROM restricted.pupil_reading r
    JOIN restricted.pupil_series s ON s.series_id = r.series_id
    JOIN restricted.pupil_version v
        ON v.academic_year = s.academic_year AND v.region_group = s.region_group AND v.series_id = s.series_id
        AND v.first_reading <= r.reading_id AND (v.gone_reading IS NULL OR v.gone_reading > r.reading_id)
    WHERE r.reading_id = of_reading
$$;

-- A partition of an academic year and a group of regions, beside the table: attached, it locks no reader out.
CREATE FUNCTION restricted.make_pupil_partition(of_year smallint, of_group smallint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    name text := format('pupil_version_%s_%s', of_year, of_group);
BEGIN
    EXECUTE format('CREATE TABLE restricted.%I (LIKE restricted.pupil_version INCLUDING COMMENTS INCLUDING CONSTRAINTS, '
        'CONSTRAINT is_of CHECK (academic_year = %s AND region_group = %s)) WITH (fillfactor = 92)',
        name, of_year, of_group);
    EXECUTE format('ALTER TABLE restricted.pupil_version ATTACH PARTITION restricted.%I FOR VALUES FROM (%s, %s) TO (%s, %s)',
        name, of_year, of_group, of_year, of_group + 1);
    EXECUTE format('ALTER TABLE restricted.%I DROP CONSTRAINT is_of', name);
END
$$;
