#!/bin/sh
# Passwords come as files, never as variables of the compose file; libpq and asyncpg both read PGPASSWORD.
set -eu
secret() { cat "/run/secrets/$1"; }
PGPASSWORD=$(secret database_password)
PREFECT_API_AUTH_STRING=$(secret prefect_auth)
PREFECT_SERVER_API_AUTH_STRING=$PREFECT_API_AUTH_STRING
PROFMIN_SMTP_URL=$(secret smtp_url)
export PGPASSWORD PREFECT_API_AUTH_STRING PREFECT_SERVER_API_AUTH_STRING PROFMIN_SMTP_URL
exec "$@"
