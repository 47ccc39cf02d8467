-- What a request for reading the past again says beside its dates, and one proposal a delivery.

ALTER TABLE ops.backfill ADD COLUMN campaign text REFERENCES ref.campaign;
ALTER TABLE ops.backfill ADD COLUMN register_known_at timestamptz;
ALTER TABLE ops.backfill ADD COLUMN approved_by text;
ALTER TABLE ops.backfill ADD COLUMN flow_run_id text UNIQUE;
COMMENT ON COLUMN ops.backfill.campaign IS 'Кампания, если даты выбраны по ней.';
COMMENT ON COLUMN ops.backfill.register_known_at IS
    'По реестру, известному на этот момент, прочитаны доставки; пусто — по известному теперь.';
COMMENT ON COLUMN ops.backfill.approved_by IS 'Кто разрешил применить.';
COMMENT ON COLUMN ops.backfill.flow_run_id IS 'Запуск Prefect, который просит о пересчёте, если это он.';
CREATE UNIQUE INDEX one_proposal_a_delivery ON ops.reading (backfill_id, delivery_id) WHERE backfill_id IS NOT NULL;
