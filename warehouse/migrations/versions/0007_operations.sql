-- Which days are worked: the exceptions to «Monday to Friday».

CREATE TABLE ref.calendar_day (
    region text NOT NULL,
    day date NOT NULL,
    is_working boolean NOT NULL,
    why text NOT NULL CHECK (why <> ''),
    PRIMARY KEY (region, day)
);
COMMENT ON TABLE ref.calendar_day IS
    'Исключения рабочего календаря: праздники, переносы, рабочие субботы. Регион — первые две цифры ОКТМО; пусто — вся страна.';

-- What a sender says instead of sending: there is nothing to report.

CREATE TABLE ops.statement (
    statement_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    form text NOT NULL REFERENCES ref.form,
    sender text NOT NULL REFERENCES ref.sender,
    campaign text REFERENCES ref.campaign,
    as_of date,
    reason text NOT NULL CHECK (reason <> ''),
    stated_by text NOT NULL CHECK (stated_by <> ''),
    stated_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    delivery_id bigint REFERENCES ops.delivery,
    answered_at timestamptz,
    withdrawn_at timestamptz,
    withdrawn_by text,
    CONSTRAINT for_a_campaign_or_a_night CHECK ((campaign IS NULL) <> (as_of IS NULL)),
    CHECK (withdrawn_at >= stated_at),
    CHECK ((withdrawn_at IS NULL) = (withdrawn_by IS NULL))
);
CREATE UNIQUE INDEX one_statement ON ops.statement (form, sender, coalesce(campaign, ''), coalesce(as_of, '-infinity'))
    WHERE withdrawn_at IS NULL;
CREATE UNIQUE INDEX statement_of_delivery ON ops.statement
    (delivery_id, form, sender, coalesce(campaign, ''), coalesce(as_of, '-infinity'));
COMMENT ON TABLE ops.statement IS 'Заявления «сообщать нечего»: не молчание и не отчёт. Присланный потом файл важнее.';
COMMENT ON COLUMN ops.statement.delivery_id IS 'Файл, которым это заявлено; пусто, если записал сотрудник.';
COMMENT ON COLUMN ops.statement.recorded_at IS 'С какого момента мы это знаем; stated_at — когда заявлено.';
COMMENT ON COLUMN ops.statement.answered_at IS 'Когда отправителю ответили, что его файл понят.';
COMMENT ON COLUMN ops.statement.withdrawn_by IS 'Кто отозвал или чем заменено.';

-- What is wrong for longer than a moment.

CREATE TABLE ops.incident (
    incident_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    condition text NOT NULL,
    name text NOT NULL,
    incident_class text NOT NULL CHECK (incident_class IN ('data', 'lateness', 'own')),
    form text REFERENCES ref.form,
    sender text REFERENCES ref.sender,
    subject text NOT NULL DEFAULT '',
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed')),
    opened_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    closed_at timestamptz,
    told_at timestamptz,
    fingerprint text NOT NULL,
    details jsonb NOT NULL DEFAULT '{}',
    level smallint NOT NULL DEFAULT 1 CHECK (level > 0),
    acknowledged_by text,
    acknowledged_at timestamptz,
    assigned_to text,
    muted_until timestamptz,
    CONSTRAINT closed_since CHECK ((state = 'closed') = (closed_at IS NOT NULL)),
    CHECK ((acknowledged_by IS NULL) = (acknowledged_at IS NULL))
);
CREATE UNIQUE INDEX one_open_incident ON ops.incident (condition, coalesce(form, ''), coalesce(sender, ''), subject)
    WHERE state = 'open';
CREATE INDEX incident_sender ON ops.incident (condition, sender, closed_at);
COMMENT ON TABLE ops.incident IS
    'Инциденты: что не так у отправителя, формы и класса правил, пока оно не так. Закрываются сами, когда условия больше нет.';
COMMENT ON COLUMN ops.incident.condition IS 'Условие: имя файла в warehouse/conditions.';
COMMENT ON COLUMN ops.incident.subject IS 'О чём именно: класс правил, отчётная единица, запуск.';
COMMENT ON COLUMN ops.incident.fingerprint IS 'Отпечаток подробностей: другой — инцидент изменился.';
COMMENT ON COLUMN ops.incident.name IS 'Что не так, словами.';
COMMENT ON COLUMN ops.incident.seen_at IS 'Когда условие в последний раз было выполнено.';
COMMENT ON COLUMN ops.incident.told_at IS 'Когда о нём последний раз сообщили.';
COMMENT ON COLUMN ops.incident.level IS 'Ступень: кому из адресатов уже сообщают.';

CREATE TABLE ops.incident_event (
    event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    incident_id bigint NOT NULL REFERENCES ops.incident,
    kind text NOT NULL CHECK (kind IN (
        'opened', 'changed', 'reminded', 'escalated', 'closed', 'acknowledged', 'assigned', 'muted', 'unmuted')),
    at timestamptz NOT NULL,
    done_by text,
    reason text,
    details jsonb NOT NULL DEFAULT '{}',
    level smallint NOT NULL DEFAULT 1,
    run_id bigint REFERENCES ops.run
);
CREATE INDEX incident_event_incident ON ops.incident_event (incident_id, event_id);
COMMENT ON TABLE ops.incident_event IS 'История инцидентов: что с каждым было, когда, кто и почему. Только дополняется.';

-- What is said to whom. A message is written with what it tells of, in one transaction, and sent afterwards.

CREATE TABLE ops.message (
    message_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dedup_key text NOT NULL UNIQUE,
    recipient text NOT NULL,
    channel text NOT NULL,
    message_class text NOT NULL CHECK (message_class IN ('data', 'lateness', 'own')),
    kind text NOT NULL CHECK (kind IN ('incident', 'reminder', 'statement')),
    sender text REFERENCES ref.sender,
    incident_ids bigint[] NOT NULL DEFAULT '{}',
    about jsonb NOT NULL DEFAULT '{}',
    subject text NOT NULL,
    body text NOT NULL,
    text_hash text NOT NULL,
    attachments jsonb NOT NULL DEFAULT '[]',
    is_digest boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL,
    not_before timestamptz NOT NULL,
    outcome text NOT NULL DEFAULT 'waiting' CHECK (outcome IN ('waiting', 'sending', 'sent', 'failed', 'cancelled')),
    attempts smallint NOT NULL DEFAULT 0,
    tried_at timestamptz,
    sent_at timestamptz,
    sent_as text,
    error text,
    run_id bigint REFERENCES ops.run,
    CHECK ((outcome = 'sent') = (sent_at IS NOT NULL))
);
CREATE INDEX message_due ON ops.message (not_before) WHERE outcome IN ('waiting', 'sending');
CREATE INDEX message_incidents ON ops.message USING gin (incident_ids);
COMMENT ON TABLE ops.message IS 'Сообщения: кому, о чём, каким каналом и чем кончилось. Имён обучающихся здесь не бывает.';
COMMENT ON COLUMN ops.message.dedup_key IS 'Одно и то же сообщение дважды не записать; под этим ключом его узнаёт и канал.';
COMMENT ON COLUMN ops.message.about IS 'О чём напоминание: форма, кампания или ночь, ступень.';
COMMENT ON COLUMN ops.message.attachments IS 'Что приложено: квитанции и шаблоны, не сами файлы.';
COMMENT ON COLUMN ops.message.not_before IS 'Раньше не отправлять: тихие часы, сводка, отсрочка после неудачи.';
COMMENT ON COLUMN ops.message.sent_as IS 'Под каким номером ушло; у сообщений одной сводки он один.';

-- What was destroyed on purpose. The row is written first, with the end of the pupil rows; then the bytes go.

CREATE TABLE ops.purged (
    delivery_id bigint NOT NULL REFERENCES ops.delivery,
    purged_at timestamptz NOT NULL,
    sha256 text NOT NULL,
    byte_size bigint NOT NULL CHECK (byte_size >= 0),
    pupil_rows bigint NOT NULL CHECK (pupil_rows >= 0),
    reason text NOT NULL CHECK (reason <> ''),
    run_id bigint REFERENCES ops.run,
    gone_at timestamptz,
    act text,
    PRIMARY KEY (delivery_id, purged_at),
    CHECK (gone_at >= purged_at),
    CONSTRAINT act_of_what_is_gone CHECK (act IS NULL OR gone_at IS NOT NULL)
);
COMMENT ON TABLE ops.purged IS
    'Уничтожение персональных данных: какие файлы и сколько строк обучающихся уничтожены, когда, почему и каким актом это подтверждено.';
COMMENT ON COLUMN ops.purged.pupil_rows IS 'Сколько строк обучающихся (под псевдонимом) уничтожено вместе с файлом.';
COMMENT ON COLUMN ops.purged.gone_at IS 'Когда файла не стало на диске; пусто — решение записано, но уничтожение не закончено.';
COMMENT ON COLUMN ops.purged.act IS 'Файл акта в папке acts.';

ALTER TABLE ops.run ADD COLUMN message text;
CREATE INDEX reading_run ON ops.reading (run_id);
COMMENT ON COLUMN ops.run.message IS 'Чем кончился запуск, одним предложением; без содержимого файлов.';
