"""The zip archive in which a file came."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE ops.arrival ADD COLUMN container_id bigint REFERENCES ops.delivery")
    op.execute("COMMENT ON COLUMN ops.arrival.container_id IS 'Архив (zip), в котором пришёл файл.'")


def downgrade() -> None:
    op.execute("ALTER TABLE ops.arrival DROP COLUMN container_id")
