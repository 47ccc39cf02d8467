"""What of the inbox is not taken in, and the fingerprint of the pupils' key; the statements are in the `.sql`."""

from pathlib import Path

from alembic import op

from warehouse.core.copying import run_script

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(op.get_bind(), Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    raise NotImplementedError("The next key would be taken for the first.")
