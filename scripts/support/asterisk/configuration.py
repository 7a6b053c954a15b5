"""Configuration files of the Asterisk."""

from collections.abc import Collection
from dataclasses import dataclass
import math
from pathlib import Path
import struct
from typing import Self
import wave

from ..machine import LOOPBACK, free_udp_ports
from .programs import Programs

# FreePBX's name of the context that phones dial in.
CONTEXT = "from-internal"
PHONES = tuple(str(number) for number in range(551, 561))
TRUNK = "provider"
# Asterisk identifies calls from the trunk by this address.
TRUNK_ADDRESS = "127.0.0.2"

USERNAME, PASSWORD = "homeassistant", "asterisk-password"
READ_ONLY_USERNAME, READ_ONLY_PASSWORD = "reader", "reader-password"

_TEMPLATES = Path(__file__).parent / "etc"
# Asterisk logs errors if these files are missing; they can be empty.
_EMPTY = (
    "acl",
    "ccss",
    "cdr",
    "cel",
    "chan_websocket",
    "features",
    "pjproject",
    "udptl",
    "websocket_client",
)
_FOLDERS = ("etc", "run", "lib", "log", "spool", "sounds", "phones")
_SAMPLES_PER_SECOND = 8000
_TONE = 440
_LOUDNESS = 8000
_ANNOUNCEMENT_SECONDS = 2

_PHONE = """
[{number}](phone)
aors = {number}
callerid = "Phone {number}" <{number}>

[{number}]
type = aor
contact = sip:{number}@{address}:{port}
"""


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of Asterisk and the phones, which are kept across restarts."""

    http: int
    sip: int
    trunk: int
    phones: dict[str, int]

    @classmethod
    def choose(cls, http: int) -> Self:
        """Return free ports, together with the given port of the web server."""
        addresses = [TRUNK_ADDRESS, LOOPBACK, *(LOOPBACK for _ in PHONES)]
        trunk, sip, *phones = free_udp_ports(addresses)
        return cls(http, sip, trunk, dict(zip(PHONES, phones, strict=True)))

    def at(self, number: str) -> tuple[str, int]:
        """Return the address and port of a phone, or of the far end of the trunk.

        Raises:
            KeyError: the phone does not exist.
        """
        if number == TRUNK:
            return TRUNK_ADDRESS, self.trunk
        return LOOPBACK, self.phones[number]


def write_configuration(
    folder: Path, programs: Programs, ports: Ports, without: Collection[str] = ()
) -> None:
    """Write the configuration and the announcement to a new folder.

    Args:
        folder: to write to.
        programs: that read it.
        ports: of Asterisk and the phones.
        without: modules that Asterisk does not load.
    """
    for name in _FOLDERS:
        (folder / name).mkdir()
    values = {
        "folder": programs.seen(folder),
        "loopback": LOOPBACK,
        "http_port": str(ports.http),
        "sip_port": str(ports.sip),
        "trunk_address": TRUNK_ADDRESS,
        "trunk_port": str(ports.trunk),
        "username": USERNAME,
        "password": PASSWORD,
        "read_only_username": READ_ONLY_USERNAME,
        "read_only_password": READ_ONLY_PASSWORD,
        "phones": "".join(
            _PHONE.format(number=number, address=LOOPBACK, port=port)
            for number, port in ports.phones.items()
        ),
    }
    for name in _EMPTY:
        (folder / f"etc/{name}.conf").write_text("")
    for template in _TEMPLATES.glob("*.conf"):
        text = template.read_text()
        for name, value in values.items():
            text = text.replace(f"<<{name}>>", value)
        for module in without:
            text = text.replace(f"load = {module}.so\n", "")
        (folder / "etc" / template.name).write_text(text)
    _write_announcement(folder / "sounds/announcement.wav")
    programs.hand_over(folder)


def _write_announcement(path: Path) -> None:
    """Write a tone as the announcement, so that no package of sounds is needed."""
    samples = (
        round(_LOUDNESS * math.sin(2 * math.pi * _TONE * index / _SAMPLES_PER_SECOND))
        for index in range(_SAMPLES_PER_SECOND * _ANNOUNCEMENT_SECONDS)
    )
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(_SAMPLES_PER_SECOND)
        file.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
