-- ref: what does not come in deliveries, or is the same for all of them.

CREATE SCHEMA IF NOT EXISTS ref;
CREATE SCHEMA IF NOT EXISTS ops;
CREATE SCHEMA IF NOT EXISTS core;
CREATE SCHEMA IF NOT EXISTS restricted;
CREATE SCHEMA IF NOT EXISTS mart;
COMMENT ON SCHEMA ref IS 'Справочники: территории, отправители, кампании, правила.';
COMMENT ON SCHEMA ops IS 'Доставки, прочтения, замечания: кто, что и когда прислал.';
COMMENT ON SCHEMA core IS 'Факты; каждый принадлежит прочтению и никогда не изменяется.';
COMMENT ON SCHEMA restricted IS 'Строки обучающихся под псевдонимом; роли для BI сюда не имеют доступа.';
COMMENT ON SCHEMA mart IS 'Витрины: то, что читает BI.';

CREATE TABLE ref.reporting_unit (
    reporting_unit_key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reporting_unit text NOT NULL,
    name text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('municipality', 'region_direct')),
    municipality_type text NOT NULL,
    oktmo text NOT NULL,
    position smallint NOT NULL,
    valid_from date NOT NULL,
    valid_to date NOT NULL,
    UNIQUE (reporting_unit, valid_from),
    CHECK (valid_from <= valid_to)
);
COMMENT ON TABLE ref.reporting_unit IS
    'Отчётные единицы, версия на срок. ОКТМО — свойство версии, а не ключ; position — место в печатной таблице.';

CREATE TABLE ref.reporting_unit_alias (
    alias text PRIMARY KEY,
    reporting_unit text NOT NULL,
    why text NOT NULL CHECK (why <> '')
);
COMMENT ON TABLE ref.reporting_unit_alias IS 'Написания отчётных единиц и почему они приняты.';

CREATE TABLE ref.form (
    form text PRIMARY KEY,
    title text NOT NULL,
    sender_kind text NOT NULL,
    slice_by text NOT NULL CHECK (slice_by IN ('campaign', 'as_of', 'academic_year')),
    campaign_form text NOT NULL,
    expected text NOT NULL CHECK (expected IN ('campaign', 'academic_year', 'day', 'once', 'as_published')),
    holds_before_first boolean NOT NULL
);
COMMENT ON TABLE ref.form IS
    'Формы, как их описывают контракты. expected — как часто ждём; holds_before_first — первое прочтение действует и раньше своей даты.';

CREATE TABLE ref.sender (
    sender text PRIMARY KEY,
    name text NOT NULL,
    kind text NOT NULL
);
COMMENT ON TABLE ref.sender IS 'Отправители.';

CREATE TABLE ref.campaign (
    campaign text PRIMARY KEY,
    form text NOT NULL REFERENCES ref.form,
    title text NOT NULL,
    academic_year integer NOT NULL,
    starts_on date NOT NULL,
    deadline date NOT NULL,
    CHECK (starts_on <= deadline)
);
COMMENT ON TABLE ref.campaign IS 'Кампании: круг отчётности со сроком сдачи.';

CREATE TABLE ref.roster (
    form text NOT NULL REFERENCES ref.form,
    sender text NOT NULL REFERENCES ref.sender,
    campaign text REFERENCES ref.campaign,
    valid_from date NOT NULL DEFAULT '0001-01-01',
    valid_to date NOT NULL DEFAULT '9999-12-31',
    CHECK (valid_from <= valid_to)
);
CREATE UNIQUE INDEX roster_key ON ref.roster (form, sender, coalesce(campaign, ''), valid_from);
COMMENT ON TABLE ref.roster IS 'Кто какую форму обязан прислать. Отсюда «не представлен» — факт, а не пустое место.';

CREATE TABLE ref.band_rule (
    band_rule_version text NOT NULL,
    band text NOT NULL CHECK (band IN ('green', 'amber', 'red')),
    lower_bound numeric NOT NULL,
    valid_from date NOT NULL,
    why text NOT NULL CHECK (why <> ''),
    PRIMARY KEY (band_rule_version, band)
);
COMMENT ON TABLE ref.band_rule IS 'Правило светофора: полоса начинается с нижней границы включительно.';

CREATE TABLE ref.level_norm (
    model_version text NOT NULL,
    level text NOT NULL,
    direction text NOT NULL,
    hours integer NOT NULL CHECK (hours >= 0),
    PRIMARY KEY (model_version, level, direction)
);
COMMENT ON TABLE ref.level_norm IS 'Нормы часов уровня по направлениям; нет строки — направление не входит в уровень.';

CREATE TABLE ref.rule (
    rule text PRIMARY KEY,
    form text REFERENCES ref.form,
    severity text NOT NULL CHECK (severity IN ('refuse', 'error', 'warning', 'note')),
    scope text NOT NULL CHECK (scope IN ('cell', 'row', 'table', 'delivery', 'register', 'history')),
    what text NOT NULL CHECK (what <> ''),
    "when" text NOT NULL CHECK ("when" <> ''),
    mend text NOT NULL CHECK (mend <> '')
);
COMMENT ON TABLE ref.rule IS 'Каталог правил; правило без формы общее для всех.';

CREATE TABLE ref.school_identity (
    school_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    school_code text NOT NULL UNIQUE
);
COMMENT ON TABLE ref.school_identity IS 'Постоянный номер школы; код школы по реестру.';

-- ops: what came, how it was read, what was wrong with it.

CREATE TABLE ops.run (
    run_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    as_of date,
    started_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    state text NOT NULL DEFAULT 'running',
    flow_run_id text,
    CHECK (finished_at >= started_at)
);
COMMENT ON TABLE ops.run IS 'Запуски: ночные, ручные, пересчёты.';

CREATE TABLE ops.delivery (
    delivery_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sha256 text NOT NULL UNIQUE CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    file_name text NOT NULL,
    byte_size bigint NOT NULL CHECK (byte_size >= 0),
    received_at timestamptz NOT NULL,
    archived_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    archive_path text NOT NULL
);
COMMENT ON TABLE ops.delivery IS 'Доставки: содержимое файла один раз, как бы часто его ни присылали.';

CREATE TABLE ops.arrival (
    arrival_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    delivery_id bigint NOT NULL REFERENCES ops.delivery,
    file_name text NOT NULL,
    sender_folder text,
    received_at timestamptz NOT NULL,
    arrived_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    run_id bigint REFERENCES ops.run,
    is_repeat boolean NOT NULL
);
CREATE INDEX arrival_delivery ON ops.arrival (delivery_id);
COMMENT ON TABLE ops.arrival IS 'Каждый раз, когда мы видели файл; повтор тех же байтов ничего не меняет, но записан.';

CREATE TABLE ops.reading (
    reading_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    delivery_id bigint NOT NULL REFERENCES ops.delivery,
    contract_version text NOT NULL,
    form text REFERENCES ref.form,
    edition text,
    sender text REFERENCES ref.sender,
    campaign text REFERENCES ref.campaign,
    as_of date,
    slice text,
    status text NOT NULL CHECK (status IN ('current', 'superseded', 'proposed', 'reverted', 'unfinished')),
    verdict text CHECK (verdict IN ('accepted', 'partial', 'refused')),
    rows_read bigint NOT NULL DEFAULT 0 CHECK (rows_read >= 0),
    rows_loaded bigint NOT NULL DEFAULT 0 CHECK (rows_loaded >= 0),
    rows_quarantined bigint NOT NULL DEFAULT 0 CHECK (rows_quarantined >= 0),
    rows_not_data bigint NOT NULL DEFAULT 0 CHECK (rows_not_data >= 0),
    layout jsonb NOT NULL DEFAULT '{}',
    read_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    became_current_at timestamptz,
    superseded_at timestamptz,
    superseded_by bigint REFERENCES ops.reading DEFERRABLE INITIALLY DEFERRED,
    run_id bigint REFERENCES ops.run,
    CONSTRAINT nothing_is_lost CHECK (rows_read = rows_loaded + rows_quarantined + rows_not_data),
    CONSTRAINT finished_has_verdict CHECK (status = 'unfinished' OR verdict IS NOT NULL),
    CONSTRAINT refused_replaces_nothing CHECK (verdict <> 'refused' OR (slice IS NULL AND rows_loaded = 0)),
    CONSTRAINT loaded_has_place
        CHECK (verdict = 'refused' OR (slice IS NOT NULL AND form IS NOT NULL AND sender IS NOT NULL AND as_of IS NOT NULL)),
    CONSTRAINT current_since CHECK (status IN ('proposed', 'unfinished') OR became_current_at IS NOT NULL),
    CONSTRAINT superseded_since CHECK ((status IN ('superseded', 'reverted')) = (superseded_at IS NOT NULL)),
    CONSTRAINT superseded_after CHECK (superseded_at >= became_current_at)
);
CREATE UNIQUE INDEX one_current_reading_a_slice ON ops.reading (slice) WHERE status = 'current' AND slice IS NOT NULL;
CREATE INDEX reading_delivery ON ops.reading (delivery_id, contract_version);
CREATE INDEX reading_form_as_of ON ops.reading (form, sender, as_of);
COMMENT ON TABLE ops.reading IS
    'Прочтения: одно толкование доставки одной версией контракта. Прочитано = загружено + карантин + не данные, всегда.';
COMMENT ON COLUMN ops.reading.slice IS 'Что доставка заменяет целиком; пусто у отклонённой.';
COMMENT ON COLUMN ops.reading.became_current_at IS 'С какого момента мы это знали.';

CREATE TABLE ops.raw_row (
    reading_id bigint NOT NULL REFERENCES ops.reading,
    sheet text NOT NULL,
    row_no bigint NOT NULL,
    outcome text NOT NULL,
    cells text[] NOT NULL,
    PRIMARY KEY (reading_id, sheet, row_no)
);
COMMENT ON TABLE ops.raw_row IS 'Строки, как они получены, и что с каждой стало; здесь же карантин.';

CREATE TABLE ops.finding (
    finding_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reading_id bigint NOT NULL REFERENCES ops.reading,
    rule text NOT NULL,
    severity text NOT NULL CHECK (severity IN ('refuse', 'error', 'warning', 'note')),
    scope text NOT NULL CHECK (scope IN ('cell', 'row', 'table', 'delivery', 'register', 'history')),
    sheet text,
    cell text,
    row_no bigint,
    column_name text,
    value text,
    expected text,
    difference numeric,
    message text NOT NULL
);
CREATE INDEX finding_reading ON ops.finding (reading_id, rule);
COMMENT ON TABLE ops.finding IS 'Замечания: одно нарушенное правило в одном месте. Имён обучающихся здесь не бывает.';

CREATE TABLE ops.publication (
    publication_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    as_of date NOT NULL,
    known_at timestamptz,
    published_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    run_id bigint REFERENCES ops.run
);
CREATE INDEX publication_as_of ON ops.publication (as_of);
COMMENT ON TABLE ops.publication IS 'Публикации витрин: на какую дату, по каким сведениям, когда.';

CREATE TABLE ops.applied (
    name text PRIMARY KEY,
    fingerprint text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE ops.applied IS 'Отпечаток того, что применено поверх миграций: таблицы фактов, представления, справочники, права.';

-- core: facts that every form may yield. The table of each form is made from its contract (warehouse/schema/facts.py).

CREATE TABLE core.control_total_fact (
    reading_id bigint NOT NULL REFERENCES ops.reading,
    reporting_unit text,
    metric text NOT NULL,
    stated numeric,
    computed numeric,
    difference numeric,
    tolerance numeric,
    verdict text NOT NULL CHECK (verdict IN ('agrees', 'disagrees'))
);
CREATE INDEX control_total_fact_reading ON core.control_total_fact (reading_id);
COMMENT ON TABLE core.control_total_fact IS
    'Заявленная цифра против вычисленной; пустая отчётная единица — строка «Итого». Заявленное никогда не загружается как данные.';

CREATE TABLE core.school_outcome_fact (
    reading_id bigint NOT NULL REFERENCES ops.reading,
    school_id bigint NOT NULL REFERENCES ref.school_identity,
    report_status text NOT NULL CHECK (report_status IN ('accepted', 'rejected')),
    rules text[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (reading_id, school_id)
);
COMMENT ON TABLE core.school_outcome_fact IS 'Принят ли отчёт каждой названной школы и какие правила его не приняли.';

-- restricted: a partition a reading, made by the load that fills it; the partition itself says which reading it is,
-- so no foreign key is checked for each of millions of rows.

CREATE TABLE restricted.pupil_fact (
    reading_id bigint NOT NULL,
    school_id bigint NOT NULL,
    row_no integer NOT NULL,
    grade smallint NOT NULL,
    state smallint NOT NULL,
    pupil_key bytea NOT NULL,
    PRIMARY KEY (row_no, reading_id)  -- built a third faster than the other way round; a partition has one reading_id
) PARTITION BY LIST (reading_id);
COMMENT ON TABLE restricted.pupil_fact IS
    'Строки выгрузки под псевдонимом (HMAC с ключом). state: 1 считается, 2 не подтверждён, 3 в архиве.';
