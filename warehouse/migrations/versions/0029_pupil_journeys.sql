-- How far the pupils of an academic year came, by reporting unit and of the region: numbers of pupils, nobody's row. They
-- are of all exports of the year up to one of them, as they were known, and of the unit of each school, which `made_of` is
-- a hash of: other exports or other units make other rows, and what was counted stays.

CREATE TABLE core.pupil_journey (
    reading_id bigint NOT NULL REFERENCES ops.reading,
    made_of text NOT NULL,
    grain text NOT NULL CHECK (grain IN ('unit', 'region')),
    reporting_unit text,
    pupils bigint NOT NULL,
    joined bigint NOT NULL,
    remaining bigint NOT NULL,
    counted bigint NOT NULL,
    verified bigint,
    verified_followed bigint,
    days_to_verified numeric,
    diagnosed bigint,
    diagnosed_followed bigint,
    days_to_diagnosed numeric,
    trial bigint,
    trial_followed bigint,
    days_to_trial numeric,
    grade_11 bigint NOT NULL,
    grade_11_verified bigint,
    grade_11_diagnosed bigint,
    grade_11_trial bigint,
    CHECK (grain = 'unit' OR reporting_unit IS NULL)
);
CREATE UNIQUE INDEX pupil_journey_once ON core.pupil_journey (reading_id, made_of, grain, reporting_unit) NULLS NOT DISTINCT;
COMMENT ON TABLE core.pupil_journey IS
    'Сколько обучающихся учебного года по выгрузкам до этой (reading_id — последняя) подтверждены, прошли диагностику, были '
    'на пробе и через сколько дней. grain: unit — отчётная единица (пусто — школ, которых нет в реестре), region — весь '
    'регион. made_of — от каких выгрузок и подчинения школ зависит. Пусто — выгрузки этого не называют.';
