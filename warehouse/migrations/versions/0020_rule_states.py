"""A finding across forms keeps what its region says of the rule."""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE ops.finding_across ADD COLUMN state jsonb")
    op.execute(
        "COMMENT ON COLUMN ops.finding_across.state IS 'Строка rule_states пакета региона, по которой правило "
        "отложено или его тяжесть изменена; пусто, если оно судит как обычно.'"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE ops.finding_across DROP COLUMN state")
