-- What lies in the inbox and is not taken in, and by which key pupils are told apart.

CREATE TABLE ops.left_out (
    inbox_path text PRIMARY KEY,
    place text NOT NULL,
    sender_folder text,
    rule text NOT NULL,
    stamp text NOT NULL,
    first_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    run_id bigint REFERENCES ops.run
);
COMMENT ON TABLE ops.left_out IS 'Что сейчас лежит во входящих и не взято: ссылки, недоступные файлы, файлы сверх разрешённого. Взятое или убранное отсюда уходит.';
COMMENT ON COLUMN ops.left_out.inbox_path IS 'Где лежит; байты, которые не UTF-8, записаны как \xNN.';
COMMENT ON COLUMN ops.left_out.place IS 'То же для людей.';
COMMENT ON COLUMN ops.left_out.sender_folder IS 'Папка отправителя.';
COMMENT ON COLUMN ops.left_out.rule IS 'Правило, которое говорит, почему.';
COMMENT ON COLUMN ops.left_out.stamp IS 'Размер и время изменения, как у поступлений; пусто, если их не узнать.';

CREATE TABLE ops.key (
    name text PRIMARY KEY,
    fingerprint text NOT NULL,
    noted_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE ops.key IS 'Отпечатки ключей, которых в базе нет: другим ключом обучающихся не сличить.';
COMMENT ON COLUMN ops.key.fingerprint IS 'Хеш ключа; сам ключ из него не получить.';
