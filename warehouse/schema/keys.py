"""Fingerprints of keys that lie outside the database."""

from __future__ import annotations

from sqlalchemy import Connection, text

NOTE = "INSERT INTO ops.key (name, fingerprint) VALUES (:name, :fingerprint) ON CONFLICT (name) DO NOTHING"
NOTED = "SELECT fingerprint FROM ops.key WHERE name = :name"
HAS_PUPILS = "SELECT EXISTS (SELECT FROM restricted.pupil_fact)"


def fingerprint_of(connection: Connection, name: str) -> str | None:
    """The fingerprint that was noted, None before the first use."""
    fingerprint: str | None = connection.scalar(text(NOTED), {"name": name})
    return fingerprint


def note_fingerprint(connection: Connection, name: str, fingerprint: str) -> str:
    """Note the fingerprint of a key that is used for the first time; returns the one that is noted, of whoever was
    first."""
    connection.execute(text(NOTE), {"name": name, "fingerprint": fingerprint})
    return fingerprint_of(connection, name) or fingerprint


def has_pupils(connection: Connection) -> bool:
    """Are there pupils, which have their pseudonyms by some key?"""
    return bool(connection.scalar(text(HAS_PUPILS)))
