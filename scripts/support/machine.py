"""The local machine: root folder of the project, and free ports."""

from contextlib import ExitStack, suppress
from pathlib import Path
import random
import socket

ROOT = Path(__file__).parents[2]
LOOPBACK = "127.0.0.1"

# Below the ephemeral ports of the operating systems.
_PORTS = range(20_000, 32_000)
_PORT_TRIES = 100


def free_port(preferred: int = 0) -> int:
    """Return the preferred port if it is free, or else another free port.

    It is not an ephemeral port: the system could assign one of these to a connection
    before the caller uses it, seconds later.

    Raises:
        OSError: there is no free port.
    """
    for port in (preferred, *random.sample(_PORTS, _PORT_TRIES)):
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if port:
                probe.bind((LOOPBACK, port))
                return port
    raise OSError("There is no free port.")


def free_udp_ports(addresses: list[str]) -> list[int]:
    """Return a different free port for each address."""
    with ExitStack() as stack:
        sockets = [
            stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
            for _ in addresses
        ]
        for probe, address in zip(sockets, addresses, strict=True):
            probe.bind((address, 0))
        return [probe.getsockname()[1] for probe in sockets]
