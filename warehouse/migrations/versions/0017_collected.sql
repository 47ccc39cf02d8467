-- A region says from when on it collects a form; before, nobody owes it.

ALTER TABLE ref.form ADD COLUMN collected_from date NOT NULL DEFAULT '-infinity';
COMMENT ON COLUMN ref.form.collected_from IS
    'С какого дня регион собирает форму; за срок, который начался раньше, её никто не должен, а присланную примут.';
