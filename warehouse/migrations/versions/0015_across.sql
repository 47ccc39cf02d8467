-- Rules across forms: what they say of a document changes with others, so it has a beginning and an end.

CREATE TABLE ops.finding_across (
    finding_across_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rule text NOT NULL,
    reading_id bigint NOT NULL REFERENCES ops.reading,
    other_reading_id bigint NOT NULL REFERENCES ops.reading,
    academic_year integer NOT NULL,
    school_id bigint REFERENCES ref.school_identity,
    place text,
    value text,
    expected text,
    difference numeric,
    found_at timestamptz NOT NULL,
    gone_at timestamptz NOT NULL DEFAULT 'infinity',
    CHECK (found_at <= gone_at)
);
CREATE INDEX finding_across_reading ON ops.finding_across (reading_id);
CREATE INDEX finding_across_open ON ops.finding_across (academic_year) WHERE gone_at = 'infinity';
COMMENT ON TABLE ops.finding_across IS
    'Замечания правил, которые сравнивают документы разных форм: с какого момента по какой это говорилось. Строки '
    'закрываются и не удаляются.';
COMMENT ON COLUMN ops.finding_across.reading_id IS 'Документ, о котором замечание: его отправитель исправляет.';
COMMENT ON COLUMN ops.finding_across.other_reading_id IS 'Документ, с которым он не сходится.';

CREATE TABLE ops.judged_across (
    academic_year integer PRIMARY KEY,
    day date NOT NULL,
    held bigint[] NOT NULL,
    rules text NOT NULL,
    judged_at timestamptz NOT NULL
);
COMMENT ON TABLE ops.judged_across IS
    'О чём правила между формами спрошены в последний раз: какие документы года действовали на последний его день, и '
    'какими были правила. Если теперь не так — спросить снова.';

ALTER TABLE ref.rule DROP CONSTRAINT rule_scope_check;
ALTER TABLE ref.rule ADD CONSTRAINT rule_scope_check
    CHECK (scope IN ('cell', 'row', 'table', 'delivery', 'register', 'history', 'forms'));
