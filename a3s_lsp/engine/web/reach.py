"""Which addresses may be asked: those of the public internet, and private ones that somebody has allowed."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from a3s_lsp.engine.errors import ToolError

_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Reach:
    """`everywhere` is for the embedding program itself; `allowed` are hosts, `host:port`, addresses and networks."""

    allowed: tuple[str, ...] = ()
    everywhere: bool = False

    async def addresses(self, host: str, port: int) -> Sequence[str]:
        """The addresses of a host, all of which may be asked: who connects takes one of these, and looks no name up
        again. Raises ToolError."""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise ToolError(
                f"There is no host {host}; check the name, and the network.", {"type": "not_found"}
            ) from None
        addresses = list(dict.fromkeys(str(where[4][0]).partition("%")[0] for where in found))
        for each in addresses:
            self.check(host, port, ipaddress.ip_address(each))
        return addresses

    def check(self, host: str, port: int, address: _Address) -> None:
        """Raises ToolError if this address of the host may not be asked."""
        if self.everywhere or is_public(address) or any(_names(rule, host, port, address) for rule in self.allowed):
            return
        raise ToolError(
            f"{host} is at {address}, which is not on the public internet and is not asked. A person can allow it in "
            f'the configuration: web {{ allow_private = ["{host}:{port}"] }}.',
            {"type": "invalid_argument"},
        )


def is_public(address: _Address) -> bool:
    """Whether an address, and the one that is packed into it, belongs to the public internet."""
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:
            return is_public(ipaddress.IPv4Address(address.packed[-4:]))
        packed = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if packed is not None:
            return is_public(packed)
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _names(rule: str, host: str, port: int, address: _Address) -> bool:
    """Whether a rule means this place. A rule with a name holds for whatever address the name has."""
    place, _, wanted = rule.rpartition(":")
    if place and wanted.isdigit() and (":" not in place or place.startswith("[")):
        if int(wanted) != port:
            return False
        rule = place
    rule = rule.strip("[]")
    if rule.lower().rstrip(".") == host.lower().rstrip("."):
        return True
    try:
        return address in ipaddress.ip_network(rule, strict=False)
    except (ValueError, TypeError):
        return False
