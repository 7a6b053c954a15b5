"""This machine: where the project lies, and ports that nobody has."""

from contextlib import ExitStack, suppress
from pathlib import Path
import random
import socket

ROOT = Path(__file__).parents[2]
LOOPBACK = "127.0.0.1"

# Below those that systems give to connections of their own accord.
_PORTS = range(20_000, 32_000)
_PORT_TRIES = 100


def free_port(preferred: int = 0) -> int:
    """Return a free port, the preferred one where it is free.

    Whoever it is for takes it seconds later. So it is none of those that the system
    gives to connections meanwhile.

    Raises:
        OSError: there is none.
    """
    for port in (preferred, *random.sample(_PORTS, _PORT_TRIES)):
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if port:
                probe.bind((LOOPBACK, port))
                return port
    raise OSError("There is no free port.")


def free_udp_ports(addresses: list[str]) -> list[int]:
    """Return a port for each address, all of them different."""
    with ExitStack() as stack:
        sockets = [
            stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
            for _ in addresses
        ]
        for probe, address in zip(sockets, addresses, strict=True):
            probe.bind((address, 0))
        return [probe.getsockname()[1] for probe in sockets]
