"""Server: the embedded Postgres, and Postgres's own programs."""
