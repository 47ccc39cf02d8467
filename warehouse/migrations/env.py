"""Alembic's entry. It runs on the connection that `warehouse.schema.upgrade` hands over, inside its transaction."""

from alembic import context
from sqlalchemy import Connection

connection: Connection | None = context.config.attributes.get("connection")
if connection is None:
    raise SystemExit("Migrations run by `profmin db upgrade`, which locks the database and brings the rest up to date.")

context.configure(connection=connection, version_table_schema="ops", transaction_per_migration=False)
with context.begin_transaction():
    context.run_migrations()
