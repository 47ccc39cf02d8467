-- Inputs that judge dates (bands, calendars, campaigns, …) in all their versions, and which of them judged which date.

CREATE TABLE ref.input_version (
    input_version bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    input text NOT NULL,
    version text NOT NULL,
    fingerprint text NOT NULL,
    position integer NOT NULL,
    judges_from date NOT NULL,
    what text NOT NULL CHECK (what <> ''),
    lines jsonb NOT NULL,
    holds boolean NOT NULL DEFAULT true,
    listed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (input, version, fingerprint)
);
COMMENT ON TABLE ref.input_version IS
    'Версии справочников целиком: что в них было сказано и с какой даты данных каждая судит. Строки никогда не изменяются.';
COMMENT ON COLUMN ref.input_version.holds IS
    'Судит ли новые даты: незаписанная версия перестаёт, когда её записали или вернули прежнюю.';

CREATE TABLE ops.date_input (
    as_of date NOT NULL,
    input text NOT NULL,
    input_version bigint NOT NULL REFERENCES ref.input_version,
    PRIMARY KEY (as_of, input)
);
COMMENT ON TABLE ops.date_input IS
    'По какой версии каждого справочника судили дату, когда её опубликовали впервые; иначе её судит только пересчёт.';

ALTER TABLE ops.backfill ADD COLUMN inputs text[];
COMMENT ON COLUMN ops.backfill.inputs IS
    'Справочники, по которым даты судят заново (имя или имя=версия); пусто — все, пустой список — ни одного.';
ALTER TABLE ops.backfill ADD COLUMN reads boolean NOT NULL DEFAULT true;
COMMENT ON COLUMN ops.backfill.reads IS 'Читает ли он доставки заново, или только судит даты по другим справочникам.';

CREATE TABLE ops.backfill_input (
    backfill_id bigint NOT NULL REFERENCES ops.backfill,
    as_of date NOT NULL,
    input text NOT NULL,
    version_before bigint NOT NULL REFERENCES ref.input_version,
    version_after bigint NOT NULL REFERENCES ref.input_version,
    PRIMARY KEY (backfill_id, as_of, input)
);
CREATE INDEX backfill_input_date ON ops.backfill_input (as_of, input);
COMMENT ON TABLE ops.backfill_input IS 'Какую дату пересчёт судит по другой версии справочника: какой была и какой станет.';

-- Who owes what follows from forms, senders and campaigns: a view now, so that a campaign that moves moves it.
DROP TABLE ref.roster;
ALTER TABLE ref.campaign ADD COLUMN is_listed boolean NOT NULL DEFAULT true;
ALTER TABLE ref.sender ADD COLUMN is_listed boolean NOT NULL DEFAULT true;
COMMENT ON COLUMN ref.campaign.is_listed IS 'Стоит ли она в списке сейчас; строка убранной остаётся, на неё ссылаются прочтения.';
COMMENT ON COLUMN ref.sender.is_listed IS 'Стоит ли он в списке сейчас; строка убранного остаётся, на неё ссылаются прочтения.';
COMMENT ON TABLE ref.band_rule IS
    'Правила светофора, по которым судили или судят: полоса начинается с нижней границы включительно. Строки никогда не изменяются.';
