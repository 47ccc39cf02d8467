-- Who owes what follows from what a form states: which forms count pupils is one of these things.

ALTER TABLE ref.form ADD COLUMN counts_pupils boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN ref.form.counts_pupils IS
    'Строки формы — обучающиеся: полноту меряют школами, где они есть, и выгрузкой до неё.';
COMMENT ON COLUMN ops.statement.as_of IS
    'Первый день срока, за который сообщать нечего: сама ночь, первое число месяца, 1 сентября учебного года.';
