"""The command line: every command, screen and table. Nothing imports it."""
