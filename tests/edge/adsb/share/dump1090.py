"""Debian's dump1090-mutability as an oracle: Beast in, whatever it makes of it out."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
import time

import pytest

NAME = "dump1090-mutability"
needed = pytest.mark.skipif(shutil.which(NAME) is None, reason=f"{NAME} is not installed")
_PORTS = ("ri", "ro", "sbs", "bi", "bo", "http")


def through_dump1090(beast: bytes, output: str, *options: str, silent_s: float = 0.7) -> bytes:
    """What it writes at its `output` port ("sbs", "bo") for this Beast stream, until it is silent after the last."""
    port_in, port_out = free_ports(2)
    ports = dict.fromkeys(_PORTS, "0") | {"bi": str(port_in), output: str(port_out)}
    command = [NAME, "--net-only", "--quiet", "--net-bind-address", "127.0.0.1", *options]
    command += [word for name, port in ports.items() for word in (f"--net-{name}-port", port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with connected(port_out) as back, connected(port_in) as there:
            sender = threading.Thread(target=_send, args=(there, beast))
            sender.start()
            data = b""
            back.settimeout(silent_s)
            while True:
                sending = sender.is_alive()
                try:
                    piece = back.recv(65536)
                    assert piece, f"{NAME} has ended"
                    data += piece
                except TimeoutError:
                    if not sending:
                        return data
    finally:
        process.terminate()
        process.wait(10.0)


def _send(connection: socket.socket, data: bytes) -> None:
    """In a second or two: it judges by the time of arrival how far an aircraft can have flown."""
    step = len(data) // 50 + 1
    for at in range(0, len(data), step):
        connection.sendall(data[at : at + step])
        time.sleep(0.02)


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [item.getsockname()[1] for item in sockets]
    for item in sockets:
        item.close()
    return ports


def connected(port: int) -> socket.socket:
    deadline_s = time.monotonic() + 10.0
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=1.0)
        except OSError:
            assert time.monotonic() < deadline_s, f"{NAME} does not listen"
            time.sleep(0.05)
