"""Wrong usage, told in one sentence."""


class UsageError(Exception):
    """Somebody asked for what cannot be: the text says it in one sentence (exit code 2)."""
