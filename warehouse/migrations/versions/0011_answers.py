"""Deliveries that say again what holds are answered too."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE ops.delivery ADD COLUMN answered_at timestamptz")
    op.execute("COMMENT ON COLUMN ops.delivery.answered_at IS 'Когда ответили, что это уже принято (same_as).'")


def downgrade() -> None:
    op.execute("ALTER TABLE ops.delivery DROP COLUMN answered_at")
