"""The configuration that an Asterisk starts from."""

from dataclasses import dataclass
import math
from pathlib import Path
import struct
from typing import Self
import wave

from ..machine import LOOPBACK, free_udp_ports
from .programs import Programs

# FreePBX's names for where phones dial, and for where calls from outside arrive.
CONTEXT = "from-internal"
PHONES = tuple(str(number) for number in range(551, 561))
TRUNK = "provider"
# Its calls are known by where they come from.
TRUNK_ADDRESS = "127.0.0.2"

USERNAME, PASSWORD = "homeassistant", "asterisk-password"
READ_ONLY_USERNAME, READ_ONLY_PASSWORD = "reader", "reader-password"

_TEMPLATES = Path(__file__).parent / "etc"
# Asterisk complains where these are missing, and needs nothing that is in them.
_EMPTY = (
    "acl",
    "ccss",
    "cdr",
    "cel",
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
    """Where everything listens; chosen once, and kept when Asterisk is restarted."""

    http: int
    sip: int
    trunk: int
    phones: dict[str, int]

    @classmethod
    def choose(cls, http: int) -> Self:
        """Return ports that nobody has now, beside the web server's."""
        addresses = [TRUNK_ADDRESS, LOOPBACK, *(LOOPBACK for _ in PHONES)]
        trunk, sip, *phones = free_udp_ports(addresses)
        return cls(http, sip, trunk, dict(zip(PHONES, phones, strict=True)))

    def at(self, number: str) -> tuple[str, int]:
        """Return the address that a phone, or the trunk's far end, has to have.

        Raises:
            KeyError: if there is no such phone.
        """
        if number == TRUNK:
            return TRUNK_ADDRESS, self.trunk
        return LOOPBACK, self.phones[number]


def write_configuration(folder: Path, programs: Programs, ports: Ports) -> None:
    """Fill a new folder with all that an Asterisk needs."""
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
        (folder / "etc" / template.name).write_text(text)
    _write_announcement(folder / "sounds/announcement.wav")
    programs.hand_over(folder)


def _write_announcement(path: Path) -> None:
    """Write a tone: what is announced does not matter, and no package is needed."""
    samples = (
        round(_LOUDNESS * math.sin(2 * math.pi * _TONE * index / _SAMPLES_PER_SECOND))
        for index in range(_SAMPLES_PER_SECOND * _ANNOUNCEMENT_SECONDS)
    )
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(_SAMPLES_PER_SECOND)
        file.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
