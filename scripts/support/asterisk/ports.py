"""Ports that nobody has."""

from contextlib import ExitStack
import socket


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
