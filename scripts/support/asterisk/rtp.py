"""Sound and keys of a call: RTP packets with G.711 (PCMU) and RFC 4733."""

from array import array
import asyncio
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import cycle
import random
import socket
import struct
import time

from .sip import Media

TICK = 0.02
SAMPLES_PER_SECOND = 8000
_SAMPLES = 160
_KEYS = "0123456789*#ABCD"
_VOLUME = 10
_END = 0x80
_END_REPETITIONS = 3
_PCMU = 0
_SILENCE = b"\xff" * _SAMPLES
_HEADER = struct.Struct(">BBHII")
_EVENT = struct.Struct(">BBH")
_VERSION = 0x80
_MARKER = 0x80
# RTCP, which is sent to the next port: that of another phone, perhaps.
_CONTROL = range(200, 205)
# Kernel's time of arrival, which a busy event loop does not delay.
_SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("@qq")
_ANCILLARY = socket.CMSG_SPACE(_TIMESPEC.size)
_LARGEST = 2048
# Samples from here are loud: far above the noise of any codec.
_LOUD = 500
_SEQUENCES = 1 << 16
_TIMESTAMPS = 1 << 32


@dataclass(frozen=True, slots=True)
class Packet:
    """A received RTP packet.

    Attributes:
        time: of arrival, in seconds since 1970, by the kernel's clock.
        source: identifies its stream.
        sequence: its number, which wraps.
        payload_type: of its content.
        timestamp: of its first sample.
        payload: its content.
    """

    time: float
    source: int
    sequence: int
    payload_type: int
    timestamp: int
    payload: bytes

    @property
    def is_sound(self) -> bool:
        """Whether it contains sound."""
        return self.payload_type == _PCMU

    @property
    def is_loud(self) -> bool:
        """Whether it contains more than silence."""
        return self.is_sound and any(self.payload.translate(_IS_LOUD))


@dataclass(frozen=True, slots=True)
class _Frame:
    """What is sent in one tick instead of silence.

    Attributes:
        payloads: of its packets.
        tick: its number since the key was pressed.
    """

    payloads: tuple[bytes, ...] = ()
    tick: int = 0


class Voice:
    """The RTP socket of a call.

    Attributes:
        packets: that were received, in order of arrival.
        keys: that were received.
    """

    def __init__(self, address: str, *, is_silent: bool, says: bytes = b"") -> None:
        """Open a socket.

        Args:
            address: of the phone.
            is_silent: whether it sends only keys, no sound.
            says: what it says over and over: 16 kHz, 16 bit, mono; empty: silence.
        """
        self._socket = socket.socket(type=socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket.settimeout(0)
        self._socket.bind((address, 0))
        self.port: int = self._socket.getsockname()[1]
        self.packets: list[Packet] = []
        self.keys = ""
        self._is_silent = is_silent
        self._speech = cycle(_payloads(says) or [_SILENCE])
        self._source = random.getrandbits(32)
        self._sequence = random.getrandbits(16)
        self._timestamp = random.getrandbits(31)
        self._frames: deque[_Frame] = deque()
        self._is_idle = asyncio.Event()
        self._is_idle.set()
        self._events: set[tuple[int, int]] = set()
        self._target = ("", 0)
        self._key_type = 0
        self._task: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket.fileno(), self._receive)

    def start(self, other: Media) -> None:
        """Send to the PBX from now on, or to another place."""
        self._target = other.address, other.port
        self._key_type = other.events or 0
        self._task = self._task or self._loop.create_task(self._send())

    def stop(self) -> None:
        """Stop sending; what still arrives is recorded."""
        self._is_idle.set()
        if self._task:
            self._task.cancel()

    async def close(self) -> None:
        """Close the socket, after everything that has arrived is read."""
        self.stop()
        if self._task:
            await asyncio.wait([self._task])
        if self._socket.fileno() >= 0:
            self._receive()
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()

    async def press(self, keys: str, *, hold: float, gap: float) -> None:
        """Press keys, and return after the last one.

        Args:
            keys: to press.
            hold: seconds that each is held.
            gap: seconds after each.
        """
        for key in keys:
            self._frames.extend(_frames(key, round(hold / TICK), round(gap / TICK)))
        self._is_idle.clear()
        await self._is_idle.wait()

    def _receive(self) -> None:
        while True:
            try:
                data, ancillary, _, _ = self._socket.recvmsg(_LARGEST, _ANCILLARY)
            except BlockingIOError:
                return
            if data[1] in _CONTROL:
                continue
            arrived = next(_times(ancillary), None) or time.time()
            _, kind, sequence, timestamp, source = _HEADER.unpack_from(data)
            payload = data[_HEADER.size :]
            kind &= ~_MARKER
            self.packets.append(
                Packet(arrived, source, sequence, kind, timestamp, payload)
            )
            if kind != _PCMU and (source, timestamp) not in self._events:
                self._events.add((source, timestamp))
                self.keys += _KEYS[payload[0]]

    async def _send(self) -> None:
        now = self._loop.time()
        while True:
            self._tick()
            now += TICK
            await asyncio.sleep(now - self._loop.time())

    def _tick(self) -> None:
        if self._frames:
            frame = self._frames.popleft()
            first = self._timestamp - frame.tick * _SAMPLES
            kind = self._key_type | (0 if frame.tick else _MARKER)
            for payload in frame.payloads:
                self._packet(kind, first, payload)
        elif not self._is_silent:
            self._packet(_PCMU, self._timestamp, next(self._speech))
        if not self._frames:
            self._is_idle.set()
        self._timestamp += _SAMPLES

    def _packet(self, kind: int, timestamp: int, payload: bytes) -> None:
        self._sequence = (self._sequence + 1) % _SEQUENCES
        header = (_VERSION, kind, self._sequence, timestamp % _TIMESTAMPS, self._source)
        self._socket.sendto(_HEADER.pack(*header) + payload, self._target)


def in_order(packets: Iterable[Packet]) -> list[Packet]:
    """Return packets in order of their numbers, each once."""
    streams: dict[int, dict[int, Packet]] = {}
    for packet in packets:
        stream = streams.setdefault(packet.source, {})
        last = next(reversed(stream), packet.sequence)
        half = _SEQUENCES // 2
        distance = (packet.sequence - last + half) % _SEQUENCES - half
        stream.setdefault(last + distance, packet)
    return [stream[number] for stream in streams.values() for number in sorted(stream)]


def sound(packets: Iterable[Packet]) -> bytes:
    """Return the sound of packets: 8 kHz, 16 bit, mono, little endian."""
    data = b"".join(each.payload for each in in_order(packets) if each.is_sound)
    return b"".join(map(_SAMPLE_OF.__getitem__, data))


@cache
def _payloads(sound: bytes) -> list[bytes]:
    """Return sound (16 kHz, 16 bit) as payloads, without an incomplete one."""
    encoded = bytes(map(_encode, array("h", sound)[::2]))
    whole = range(0, len(encoded) - _SAMPLES + 1, _SAMPLES)
    return [encoded[start : start + _SAMPLES] for start in whole]


def _frames(key: str, hold: int, gap: int) -> Iterator[_Frame]:
    """Return a pressed key, in ticks; it ends in the first tick of the gap."""
    event = _KEYS.index(key)
    for tick in range(hold):
        payload = _EVENT.pack(event, _VOLUME, (tick + 1) * _SAMPLES)
        yield _Frame((payload,), tick)
    end = _EVENT.pack(event, _END | _VOLUME, hold * _SAMPLES)
    yield _Frame((end,) * _END_REPETITIONS, hold)
    for _ in range(gap - 1):
        yield _Frame()


def _times(ancillary: list[tuple[int, int, bytes]]) -> Iterator[float]:
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS):
            seconds, nanoseconds = _TIMESPEC.unpack(data)
            yield seconds + nanoseconds / 1e9


def _decode(byte: int) -> int:
    """Return the sample of a byte of PCMU."""
    inverted = ~byte & 0xFF
    exponent, mantissa = inverted >> 4 & 7, inverted & 0xF
    size = ((mantissa << 3) + 132 << exponent) - 132
    return -size if inverted & 0x80 else size


def _encode(sample: int) -> int:
    """Return the byte of PCMU with the nearest sample."""
    at = bisect_left(_LEVELS, sample)
    near = _LEVELS[max(0, at - 1) : at + 1]
    return _BYTES[min(near, key=lambda level: abs(level - sample))]


_SAMPLES_OF = array("h", map(_decode, range(256)))
_BYTES = {sample: byte for byte, sample in enumerate(_SAMPLES_OF)}
_LEVELS = sorted(_BYTES)
_SAMPLE_OF = [struct.pack("<h", sample) for sample in _SAMPLES_OF]
_IS_LOUD = bytes(abs(sample) >= _LOUD for sample in _SAMPLES_OF)
