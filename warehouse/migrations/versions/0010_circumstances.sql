-- A delivery is bytes and circumstances: equal bytes under another name, in another folder or after another delivery are
-- another one. When it came is our own knowledge; what the file says of its time is kept as a claim.

ALTER TABLE ops.delivery DROP CONSTRAINT delivery_sha256_key;
ALTER TABLE ops.delivery ADD COLUMN sender_folder text;
ALTER TABLE ops.delivery ADD COLUMN channel text CHECK (channel IN ('inbox', 'ingest'));
ALTER TABLE ops.delivery ADD COLUMN sent integer NOT NULL DEFAULT 1 CHECK (sent > 0);
ALTER TABLE ops.delivery ADD COLUMN claimed_at timestamptz;
ALTER TABLE ops.delivery ADD COLUMN is_vouched boolean NOT NULL DEFAULT false;
ALTER TABLE ops.delivery ADD COLUMN counts_at timestamptz;
ALTER TABLE ops.delivery ADD COLUMN same_as bigint REFERENCES ops.delivery;
ALTER TABLE ops.delivery ADD COLUMN stated_form text REFERENCES ref.form;
ALTER TABLE ops.delivery ADD COLUMN stated_sender text REFERENCES ref.sender;
ALTER TABLE ops.delivery ADD COLUMN stated_as_of date;
ALTER TABLE ops.arrival ADD COLUMN claimed_at timestamptz;

-- Until now the time of the file was the time of receipt, and what was published by it stays. Nothing can have come after
-- it was archived, so that a time from the future does not outlast what comes now.
UPDATE ops.delivery d SET
    claimed_at = d.received_at,
    counts_at = least(d.received_at, d.archived_at),
    sender_folder = (SELECT a.sender_folder FROM ops.arrival a WHERE a.delivery_id = d.delivery_id
                     ORDER BY a.arrival_id LIMIT 1);
UPDATE ops.arrival SET claimed_at = received_at;

ALTER TABLE ops.delivery ALTER COLUMN counts_at SET NOT NULL;
ALTER TABLE ops.delivery ADD CONSTRAINT vouched_is_a_claim CHECK (NOT is_vouched OR claimed_at IS NOT NULL);
ALTER TABLE ops.delivery ADD CONSTRAINT same_as_another CHECK (same_as <> delivery_id);
-- A name may be longer than an index takes.
CREATE UNIQUE INDEX delivery_circumstances ON ops.delivery
    (sha256, md5(file_name), coalesce(sender_folder, ''), sent);
CREATE INDEX delivery_counts_at ON ops.delivery (counts_at) WHERE NOT is_vouched;
CREATE INDEX delivery_same_as ON ops.delivery (same_as) WHERE same_as IS NOT NULL;

COMMENT ON TABLE ops.delivery IS
    'Доставки: содержимое файла и обстоятельства (имя, папка, время). То же самое ещё раз — только приход; под другим именем — другая доставка.';
COMMENT ON COLUMN ops.delivery.sender_folder IS 'Папка во входящих, в которой лежал файл; пусто, если он пришёл иначе.';
COMMENT ON COLUMN ops.delivery.channel IS
    'Как пришёл файл: inbox — положен во входящие, ingest — назван сотрудником; пусто у доставок, принятых раньше.';
COMMENT ON COLUMN ops.delivery.sent IS
    'В который раз прислано в тех же обстоятельствах: снова после другой доставки — новое слово отправителя.';
COMMENT ON COLUMN ops.delivery.received_at IS 'Когда мы увидели файл впервые, по нашим часам.';
COMMENT ON COLUMN ops.delivery.claimed_at IS 'Время, которое указано у самого файла: сведение, а не доказательство.';
COMMENT ON COLUMN ops.delivery.is_vouched IS
    'Канал ручается за время файла: тогда оно и решает, в срок ли получено (ops.came_at).';
COMMENT ON COLUMN ops.delivery.counts_at IS
    'Порядок, в котором доставки считаются: никогда не идёт назад, даже если назад пошли часы.';
COMMENT ON COLUMN ops.delivery.same_as IS
    'Доставка тех же байтов с теми же сведениями, прочтения которой отвечают и за эту; второй раз они не хранятся.';
COMMENT ON COLUMN ops.delivery.stated_form IS 'Форма, которую назвал сотрудник (--form); так же отправитель и дата.';
COMMENT ON COLUMN ops.arrival.claimed_at IS 'Время, которое указано у самого файла.';
COMMENT ON COLUMN ops.arrival.received_at IS 'Когда мы его увидели.';
COMMENT ON TABLE ops.arrival IS
    'Каждый раз, когда мы видели файл; повтор в тех же обстоятельствах ничего не меняет, но записан.';

-- What was read, less what only the circumstances say: by it the same facts are known again.
ALTER TABLE ops.reading ADD COLUMN facts_digest text;
COMMENT ON COLUMN ops.reading.facts_digest IS
    'Отпечаток сведений прочтения без замечаний о времени: те же байты с тем же отпечатком второй раз не хранятся.';
