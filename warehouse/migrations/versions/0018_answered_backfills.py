"""A reading of a backfill is answered by the receipt of the one before it, until that one is to be written again."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "UPDATE ops.reading SET answered_at = became_current_at"
        " WHERE backfill_id IS NOT NULL AND answered_at IS NULL AND became_current_at IS NOT NULL"
    )
    op.execute("DROP INDEX ops.reading_unanswered")
    op.execute("CREATE INDEX reading_unanswered ON ops.reading (delivery_id, reading_id) WHERE answered_at IS NULL")
    op.execute(
        "COMMENT ON COLUMN ops.reading.answered_at IS 'Когда квитанция записана; у прочитанного пересчётом — прежняя, "
        "пока правила между формами не скажут иного.'"
    )


def downgrade() -> None:
    op.execute("DROP INDEX ops.reading_unanswered")
    op.execute(
        "CREATE INDEX reading_unanswered ON ops.reading (delivery_id, reading_id)"
        " WHERE answered_at IS NULL AND backfill_id IS NULL"
    )
    op.execute("UPDATE ops.reading SET answered_at = NULL WHERE backfill_id IS NOT NULL")
    op.execute("COMMENT ON COLUMN ops.reading.answered_at IS 'Когда квитанция записана; пересчёт квитанций не пишет.'")
