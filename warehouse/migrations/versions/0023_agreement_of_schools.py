"""An agreement may be for several schools, a row each: the school is a part of the key of the facts."""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        DO $$ BEGIN
            IF to_regclass('core.partner_agreements_fact') IS NOT NULL THEN
                ALTER TABLE core.partner_agreements_fact DROP CONSTRAINT IF EXISTS partner_agreements_fact_pkey,
                    ADD UNIQUE NULLS NOT DISTINCT (reading_id, partner_inn, agreement_number, school_id);
            END IF;
        END $$
    """)


def downgrade() -> None:
    raise NotImplementedError("Agreements of several schools have no place in the former key.")
