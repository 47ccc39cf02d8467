"""Settings of the embedded Postgres."""

PORT = 5432

# Written into postgresql.conf once: the owner of the machine may change them there.
TUNING = {
    "shared_buffers": "256MB",
    "max_connections": "100",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# Given at each start, so that a home of before has it too: its thousands of copies of exports, each a table, become
# versions in one transaction (revision 0026).
ROOM = {"max_locks_per_transaction": "1024"}
# Given at each start, so that an edited postgresql.conf cannot open the server. The log keeps to the server's own life:
# a failed statement and its values (pupils' names among them) go to the client that sent it and nowhere else.
PRIVACY = {
    "listen_addresses": "",
    "unix_socket_directories": ".",
    "unix_socket_permissions": "0700",
    "port": str(PORT),
    "logging_collector": "off",
    "log_destination": "stderr",
    "log_statement": "none",
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_min_duration_statement": "-1",
    "log_error_verbosity": "terse",
}
