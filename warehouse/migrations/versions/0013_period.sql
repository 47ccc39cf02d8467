-- A form states its period and who owes it; both were one word before.

ALTER TABLE ref.form DROP CONSTRAINT form_slice_by_check;
ALTER TABLE ref.form RENAME COLUMN slice_by TO period;
UPDATE ref.form SET period = CASE WHEN expected = 'day' THEN 'night' ELSE 'none' END WHERE period = 'as_of';
ALTER TABLE ref.form ADD CONSTRAINT form_period_check CHECK (
    period IN ('campaign', 'night', 'month', 'academic_year', 'none'));
ALTER TABLE ref.form DROP CONSTRAINT form_expected_check;
ALTER TABLE ref.form ADD CONSTRAINT form_expected_check CHECK (
    expected IN ('campaign', 'academic_year', 'month', 'day', 'once', 'as_published'));
ALTER TABLE ref.form ADD COLUMN covers text CHECK (covers IN ('schools', 'units'));
ALTER TABLE ref.form ADD COLUMN due_working_days smallint NOT NULL DEFAULT 0;
ALTER TABLE ref.form ADD COLUMN due_months smallint[] NOT NULL DEFAULT '{}';
ALTER TABLE ref.form ADD COLUMN due_month smallint;
ALTER TABLE ref.form ADD COLUMN due_day smallint CHECK ((due_day IS NULL) = (due_month IS NULL));
COMMENT ON COLUMN ref.form.period IS
    'Срок, который документ заменяет целиком: кампания, ночь, месяц, учебный год; none — своя дата, без срока.';
COMMENT ON COLUMN ref.form.covers IS 'Кто должен быть в документе весь: школы отправителя или отчётные единицы.';
COMMENT ON COLUMN ref.form.due_working_days IS 'Рабочих дней после конца месяца, за которые его сдают.';
COMMENT ON COLUMN ref.form.due_months IS 'За какие месяцы сдают.';
COMMENT ON COLUMN ref.form.due_month IS 'Месяц, до дня которого (due_day) сдают за учебный год; пусто — срока нет.';
