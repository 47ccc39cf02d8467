-- How pupils went from one export to another of the same sender and academic year: numbers of pupils, nobody's row. Both
-- readings are never changed, so neither is what was found; a pair is compared by the first publication that needs it.

CREATE TABLE core.pupil_comparison (
    reading_id bigint NOT NULL REFERENCES ops.reading,
    before_reading_id bigint NOT NULL REFERENCES ops.reading,
    PRIMARY KEY (reading_id, before_reading_id)
);
COMMENT ON TABLE core.pupil_comparison IS
    'Пары прочтений выгрузок, строки которых сопоставлены: вторая — выгрузка перед первой, как было известно при публикации.';

CREATE TABLE core.pupil_flow (
    reading_id bigint NOT NULL,
    before_reading_id bigint NOT NULL,
    from_school_id bigint,
    from_grade smallint,
    from_state smallint,
    to_school_id bigint,
    to_grade smallint,
    to_state smallint,
    pupils bigint NOT NULL CHECK (pupils > 0),
    FOREIGN KEY (reading_id, before_reading_id) REFERENCES core.pupil_comparison,
    CHECK (num_nulls(from_school_id, from_grade, from_state) IN (0, 3)),
    CHECK (num_nulls(to_school_id, to_grade, to_state) IN (0, 3)),
    CHECK ((from_school_id, from_grade, from_state) IS DISTINCT FROM (to_school_id, to_grade, to_state))
);
CREATE INDEX pupil_flow_of_pair ON core.pupil_flow (reading_id, before_reading_id);
COMMENT ON TABLE core.pupil_flow IS
    'Сколько обучающихся перешло из школы, класса и состояния в другие между двумя выгрузками; from пусто — в прежней не '
    'было, to пусто — в новой нет. Кто не изменился, не записан. state: 1 считается, 2 не подтверждён, 3 в архиве.';
