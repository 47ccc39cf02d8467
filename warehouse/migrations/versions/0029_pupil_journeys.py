"""How far pupils of an academic year came, counted; the statements are in the file of the same name with `.sql`."""

from pathlib import Path

from alembic import op

from warehouse.core.copying import run_script

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(op.get_bind(), Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    raise NotImplementedError("What was published of journeys is not forgotten.")
