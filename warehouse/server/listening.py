"""Where the embedded Postgres listens for reporting tools, and who may come in that way.

Loopback only: the server of the package knows no TLS, so figures and SCRAM's exchange would cross a network in the
clear. Whoever sits elsewhere comes through a tunnel, or the warehouse is on a server of one's own.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import NamedTuple

from warehouse.server.programs import ServerError

FORM = re.compile(r"(?:\[(?P<long>[^\]]*)\]|(?P<short>[^:\[\]]*)):(?P<port>[0-9]{1,5})")
BY_SOCKET = "local all all trust\n"
"""Whoever reaches the socket may enter: it lies in a folder that only the owner can enter."""
BY_ADDRESS = """host all {owner} all reject
host {database} +bi_reader,+mart_reader,+public_reader {address} scram-sha-256
host all all all reject
"""
"""Who reads all marts, and who reads what he is granted of them. A superuser counts as a member of a role only if made
one in so many words, and ours is refused before that."""


class Listening(NamedTuple):
    """An address of this machine's loopback, and a port."""

    address: str
    port: int

    @classmethod
    def of(cls, stated: object) -> Listening:
        """From `127.0.0.1:6543` or `[::1]:6543`. Raises ValueError for what is no such thing or no loopback."""
        if isinstance(stated, cls):
            return stated
        parts = FORM.fullmatch(str(stated))
        if parts is None or not 0 < int(parts["port"]) < 1 << 16:
            raise ValueError(f"{stated} is no address and port, such as 127.0.0.1:6543")
        try:
            address = ipaddress.ip_address(parts["long"] or parts["short"])
        except ValueError:
            raise ValueError(f"{stated} names no address in figures: write 127.0.0.1 or [::1]") from None
        if not address.is_loopback:
            raise ValueError(
                f"{address} is not this machine's loopback (127.0.0.1, [::1]): the embedded Postgres knows no TLS. "
                "Come from elsewhere through a tunnel (ssh -L), or name a server of your own in PROFMIN_DATABASE_URL"
            )
        return cls(str(address), int(parts["port"]))

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"

    def settings(self) -> dict[str, str]:
        """Settings of Postgres, over those that close it."""
        return {"listen_addresses": self.address, "port": str(self.port)}

    def must_be_free(self) -> None:
        """Raises ServerError when we could not listen there."""
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        with socket.socket(family) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind((self.address, self.port))
                tried.listen()
            except OSError as error:
                raise ServerError(
                    f"PROFMIN_PG_LISTEN={self}: the embedded Postgres cannot listen there ({error.strerror}). "
                    "Name another port, end what listens on this one, or take the setting away."
                ) from error


def who_may_enter(listening: Listening | None, owner: str, database: str) -> str:
    """The text of `pg_hba.conf`: the socket, and logins that read marts with their password where we listen."""
    if listening is None:
        return BY_SOCKET
    length = ipaddress.ip_address(listening.address).max_prefixlen
    return BY_SOCKET + BY_ADDRESS.format(owner=owner, database=database, address=f"{listening.address}/{length}")
