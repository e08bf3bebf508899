"""A connection to another program that notices when the other end has gone without a word."""

from __future__ import annotations

import socket

from edge.adsb.sources.iq import SourceRefused

_CONNECT_S = 3.0
KEEPALIVE = (  # gone eleven seconds after its last answer
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 2),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
)


def connected(what: str, host: str, port: int) -> socket.socket:
    """Raises SourceRefused with `what` is missing where."""
    try:
        connection = socket.create_connection((host, port), timeout=_CONNECT_S)
        for option in KEEPALIVE:
            connection.setsockopt(*option)
    except (OSError, UnicodeError) as err:  # the latter: a name that cannot be one
        raise SourceRefused(f"no {what} at {host}:{port}: {err}; check radio.host and radio.port") from err
    return connection
