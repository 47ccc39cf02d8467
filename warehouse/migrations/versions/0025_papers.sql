ALTER TABLE ops.purged ADD people bigint CHECK (people >= 0), ADD people_digest text CHECK (people_digest ~ '^[0-9a-f]{64}$');
COMMENT ON COLUMN ops.purged.people IS 'Сколько разных псевдонимов было в уничтоженных строках; пусто у уничтоженного раньше.';
COMMENT ON COLUMN ops.purged.people_digest IS
    'SHA-256 от всех этих псевдонимов по возрастанию: чьи данные уничтожены, без имён и без самих псевдонимов.';

CREATE TABLE ops.restricted_access (
    access_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    who text NOT NULL CHECK (who <> ''),
    role text NOT NULL DEFAULT session_user,
    command text NOT NULL CHECK (command <> ''),
    run_id bigint REFERENCES ops.run
);
COMMENT ON TABLE ops.restricted_access IS
    'Кто, когда и какой командой обращался к строкам обучающихся помимо загрузки; о загрузке говорит ops.run.';
COMMENT ON COLUMN ops.restricted_access.who IS 'Учётная запись системы, от имени которой дана команда.';
COMMENT ON COLUMN ops.restricted_access.role IS 'Роль базы данных.';
