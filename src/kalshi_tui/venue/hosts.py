"""Where a venue lives: REST and feed come from one entry, so that they can never be of two venues."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from msgspec import Struct

REST_ROOT = "/trade-api/v2"
WS_PATH = "/trade-api/ws/v2"

_HOSTS: dict[str, tuple[tuple[str, str], ...]] = {
    "demo": (
        ("external-api.demo.kalshi.co", "external-api-ws.demo.kalshi.co"),
        ("demo-api.kalshi.co", "demo-api.kalshi.co"),
    ),
    "prod": (
        ("external-api.kalshi.com", "external-api-ws.kalshi.com"),
        ("api.elections.kalshi.com", "api.elections.kalshi.com"),
    ),
}


class HostError(ValueError):
    """An address this venue does not have; the message says which ones it has."""


class Endpoints(Struct, frozen=True):
    """``rest`` up to and with ``/trade-api/v2``, ``ws`` the whole feed address."""

    venue: str
    rest: str
    ws: str


def endpoints(venue: str, rest: str = "", ws: str = "") -> Endpoints:
    """The addresses of a venue. Demo and prod have fixed hosts; practice has loopback ones, given.

    ``HostError`` for a host that is not the venue's, for plain http away from loopback, and for a REST
    address without its feed (or the reverse): a book of one venue and orders on another cost real money.
    """
    if venue == "practice":
        return _practice(rest, ws)
    if venue not in _HOSTS:
        raise HostError(f"There is no venue {venue!r}; there are practice, demo and prod.")
    pairs = _HOSTS[venue]
    if not rest and not ws:
        host, feed = pairs[0]
        return Endpoints(venue, f"https://{host}{REST_ROOT}", f"wss://{feed}{WS_PATH}")
    for host, feed in pairs:
        wanted = Endpoints(venue, f"https://{host}{REST_ROOT}", f"wss://{feed}{WS_PATH}")
        if rest.rstrip("/") == wanted.rest and ws in ("", wanted.ws):
            return wanted
    known = ", ".join(host for host, _ in pairs)
    raise HostError(f"{rest or ws} is not an address of {venue}; its hosts are {known}.")


def _practice(rest: str, ws: str) -> Endpoints:
    rest = rest.rstrip("/")
    for address, scheme, path in ((rest, "http", REST_ROOT), (ws, "ws", WS_PATH)):
        parts = urlsplit(address)
        if parts.scheme != scheme or parts.path != path or not is_loopback(parts.hostname):
            raise HostError(
                f"{address!r} is no practice exchange; "
                f"it needs {scheme}://127.0.0.1:PORT{path} (loopback only)."
            )
    return Endpoints("practice", rest, ws)


def is_loopback(host: str | None) -> bool:
    """Whether a host can only be this machine."""
    if host is None:
        return False
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
