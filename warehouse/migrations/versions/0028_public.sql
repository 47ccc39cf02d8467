-- What the public may see, release by release: written once, never changed, and read by a role that sees nothing else.
-- The tables of marts are laid out with the marts (warehouse/marts/public_release.py).

CREATE SCHEMA mart_public;
COMMENT ON SCHEMA mart_public IS 'Для всех: малые числа людей скрыты вместе с тем, из чего их можно вычислить.';

CREATE TABLE mart_public.release (
    region text NOT NULL,
    as_of date NOT NULL,
    threshold integer NOT NULL CHECK (threshold >= 3),
    made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (region, as_of)
);
COMMENT ON TABLE mart_public.release IS
    'Выпуски для всех. Выпуск не меняется: поправка видна в следующем, если цифра изменилась на порог или больше.';
COMMENT ON COLUMN mart_public.release.threshold IS 'Порог. Меньшие числа людей в этом выпуске скрыты.';
