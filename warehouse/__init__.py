"""The Postgres warehouse."""
