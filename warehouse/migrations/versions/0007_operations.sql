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
    delivery_id bigint UNIQUE REFERENCES ops.delivery,
    withdrawn_at timestamptz,
    CONSTRAINT for_a_campaign_or_a_night CHECK ((campaign IS NULL) <> (as_of IS NULL)),
    CHECK (withdrawn_at >= stated_at)
);
CREATE UNIQUE INDEX one_statement ON ops.statement (form, sender, coalesce(campaign, ''), coalesce(as_of, '-infinity'))
    WHERE withdrawn_at IS NULL;
COMMENT ON TABLE ops.statement IS 'Заявления «сообщать нечего»: не молчание и не отчёт. Присланный потом файл важнее.';
COMMENT ON COLUMN ops.statement.delivery_id IS 'Файл, которым это заявлено; пусто, если записал сотрудник.';

-- What is wrong for longer than a moment.

CREATE TABLE ops.incident (
    incident_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    condition text NOT NULL,
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
COMMENT ON TABLE ops.incident IS
    'Инциденты: что не так у отправителя, формы и класса правил, пока оно не так. Закрываются сами, когда условия больше нет.';
COMMENT ON COLUMN ops.incident.condition IS 'Условие: имя файла в warehouse/conditions.';
COMMENT ON COLUMN ops.incident.subject IS 'О чём именно: класс правил, отчётная единица, запуск.';
COMMENT ON COLUMN ops.incident.fingerprint IS 'Отпечаток подробностей: другой — инцидент изменился.';
COMMENT ON COLUMN ops.incident.seen_at IS 'Когда условие проверено в последний раз.';
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
COMMENT ON TABLE ops.message IS 'Сообщения: кому, о чём, каким каналом и чем кончилось. Имён обучающихся здесь не бывает.';
COMMENT ON COLUMN ops.message.dedup_key IS 'Одно и то же сообщение дважды не записать; под этим ключом его узнаёт и канал.';
COMMENT ON COLUMN ops.message.about IS 'О чём напоминание: форма, кампания или ночь, ступень.';
COMMENT ON COLUMN ops.message.attachments IS 'Что приложено: квитанции и шаблоны, не сами файлы.';
COMMENT ON COLUMN ops.message.not_before IS 'Раньше не отправлять: тихие часы, сводка, отсрочка после неудачи.';
COMMENT ON COLUMN ops.message.sent_as IS 'Под каким номером ушло; у сообщений одной сводки он один.';

ALTER TABLE ops.run ADD COLUMN message text;
COMMENT ON COLUMN ops.run.message IS 'Чем кончился запуск, одним предложением; без содержимого файлов.';
