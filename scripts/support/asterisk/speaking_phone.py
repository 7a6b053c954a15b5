"""A phone in Python that records what it hears, and presses keys."""

import asyncio
import time

from .messages import PATIENCE, Message, Traced
from .phone_call import Manner, SpeakingPhoneCall
from .sip import Dialog

_POLL_INTERVAL = 0.01


class SpeakingPhone(Traced, asyncio.DatagramProtocol):
    """A phone that takes any number of calls, also at the same time.

    Attributes:
        number: of the phone.
        calls: that it has received, in order.
    """

    def __init__(self, number: str, manner: Manner) -> None:
        """Initialize the phone; `start` connects it."""
        self.number = number
        self.calls: list[SpeakingPhoneCall] = []
        self._manner = manner
        self._by_id: dict[str, SpeakingPhoneCall] = {}
        self._messages: list[Message] = []
        self._address = ("", 0)
        self._transport: asyncio.DatagramTransport | None = None

    @property
    def messages(self) -> list[Message]:
        """The messages sent and received so far."""
        return self._messages

    async def start(self, address: str, port: int) -> None:
        """Listen to the PBX.

        Raises:
            OSError: the port is in use.
        """
        self._address = address, port
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: self, self._address
        )

    async def call(
        self, times: int = 1, patience: float = PATIENCE
    ) -> SpeakingPhoneCall:
        """Wait for the n-th call, and return it.

        Raises:
            TimeoutError: it did not ring within `patience` seconds.
        """
        async with asyncio.timeout(patience):
            while len(self.calls) < times:  # noqa: ASYNC110 - polled like messages
                await asyncio.sleep(_POLL_INTERVAL)
        return self.calls[times - 1]

    async def stop(self) -> None:
        """Stop the phone without sending anything, like a power failure.

        Raises:
            Exception: what a person has raised.
        """
        if self._transport:
            self._transport.close()
        for call in self.calls:
            await call.close()

    kill = stop

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Handle a message of the PBX."""
        text = data.decode()
        message = Message.parse(text, time=time.time(), received=True)
        if message is None or self._transport is None:
            return
        self._messages.append(message)
        call_id = message.header("Call-ID")
        if call := self._by_id.get(call_id):
            call.handle(message)
        elif message.what == "INVITE":
            call = SpeakingPhoneCall(
                message,
                self._manner,
                self._address,
                lambda text: self._send(text, addr),
            )
            self.calls.append(call)
            self._by_id[call_id] = call
        elif not message.what.isdigit() and message.what != "ACK":
            dialog = Dialog(message, *self._address)
            self._send(dialog.respond(message, "481 Call Does Not Exist"), addr)

    def _send(self, text: str, addr: tuple[str, int]) -> None:
        message = Message.parse(text, time=time.time(), received=False)
        if message and self._transport and not self._transport.is_closing():
            self._messages.append(message)
            self._transport.sendto(text.encode(), addr)
