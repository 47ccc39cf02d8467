-- A warning that cannot be mended is explained: by its sender, in the receipt that comes back, and an officer decides. What is
-- said is said of a finding, not of a file: it holds as long as the finding is the same one (ops.finding_key).
ALTER TABLE ops.finding ADD COLUMN row_key text;
COMMENT ON COLUMN ops.finding.row_key IS
    'Чем строка отличается от других строк документа: то, что в ней стоит в столбцах зерна. Пусто, где строки — люди, и у замечаний не о строке.';

CREATE TABLE ops.explanation (
    explanation_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    region text NOT NULL REFERENCES ref.region,
    form text NOT NULL REFERENCES ref.form,
    sender text NOT NULL REFERENCES ref.sender,
    span text NOT NULL,
    rule text NOT NULL,
    finding_key text NOT NULL CHECK (finding_key ~ '^[0-9a-f]{32}$'),
    explanation text NOT NULL CHECK (length(explanation) BETWEEN 1 AND 500),
    delivery_id bigint NOT NULL REFERENCES ops.delivery,
    reading_id bigint NOT NULL REFERENCES ops.reading,
    said_at timestamptz NOT NULL,
    gone_at timestamptz NOT NULL DEFAULT 'infinity',
    CHECK (said_at < gone_at)
);
CREATE UNIQUE INDEX explanation_holds ON ops.explanation (finding_key) WHERE gone_at = 'infinity';
CREATE INDEX explanation_region ON ops.explanation (region, form, sender);
COMMENT ON TABLE ops.explanation IS
    'Пояснения отправителей к предупреждениям. Может содержать личное: в журналы, витрины и сообщения не попадает. Строка действует с said_at до gone_at.';
COMMENT ON COLUMN ops.explanation.span IS 'Кампания, месяц или учебный год, в которых замечание остаётся тем же.';
COMMENT ON COLUMN ops.explanation.delivery_id IS 'Файл, в котором пояснение пришло.';
COMMENT ON COLUMN ops.explanation.reading_id IS 'Прочтение, о замечании которого оно дано.';

-- The last decision by a moment is the one that stands then.
CREATE TABLE ops.explanation_decision (
    decision_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    explanation_id bigint NOT NULL REFERENCES ops.explanation,
    decision text NOT NULL CHECK (decision IN ('accepted', 'refused')),
    decided_by text NOT NULL CHECK (decided_by <> ''),
    reason text CHECK (reason <> ''),
    decided_at timestamptz NOT NULL,
    CHECK (decision = 'accepted' OR reason IS NOT NULL)
);
CREATE INDEX explanation_decision_of ON ops.explanation_decision (explanation_id, decided_at);
COMMENT ON TABLE ops.explanation_decision IS 'Решения сотрудников о пояснениях: кто, когда, почему. Действует последнее.';

CREATE TABLE ops.returned_receipt (
    delivery_id bigint PRIMARY KEY REFERENCES ops.delivery,
    sender text REFERENCES ref.sender,
    about_sha256 text,
    is_alone boolean NOT NULL,
    is_foreign boolean NOT NULL,
    taken integer NOT NULL,
    known integer NOT NULL,
    mended integer NOT NULL,
    astray integer NOT NULL,
    shortened integer NOT NULL,
    of_errors text[] NOT NULL,
    recorded_at timestamptz NOT NULL,
    answered_at timestamptz
);
COMMENT ON TABLE ops.returned_receipt IS
    'Вернувшиеся квитанции с пояснениями: сколько пояснений взято, сколько известны, чьих замечаний уже нет, что не к чему отнести. is_alone — таблицы в ней нет, и отчётом она не считается.';
