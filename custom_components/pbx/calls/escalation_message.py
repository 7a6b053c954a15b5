"""The message of an escalation, which is made once for all who are called."""

import asyncio

from homeassistant.exceptions import HomeAssistantError

from ..backends.announcement import NO_AUDIO
from ..backends.base import CallRequest
from ..speech import Speech
from .announcement import async_prepare_audio, with_audio
from .manager import CallManager
from .rules import CallOrigin


class EscalationMessage:
    """Makes the audio before the first call that the dialing rules allow.

    Attributes:
        error: why it cannot be made, or cannot be played; None if it is not known.
    """

    def __init__(
        self, manager: CallManager, speech: Speech | None, origin: CallOrigin
    ) -> None:
        """Initialize without audio.

        Args:
            manager: of the PBX.
            speech: what is said; None for calls between two parties.
            origin: of the calls.
        """
        self.error: HomeAssistantError | None = None
        self._manager = manager
        self._speech = speech
        self._origin = origin
        self._audio = NO_AUDIO
        self._lock = asyncio.Lock()

    async def add_to(self, request: CallRequest) -> CallRequest:
        """Return a request with the audio, which is made the first time.

        Raises:
            ServiceValidationError: a dialing rule refuses the call, so the engine is
                not asked.
            HomeAssistantError: `error`.
        """
        if self._speech is None:
            return request
        # Calls that begin together wait for the same audio.
        async with self._lock:
            if self._audio is NO_AUDIO and self.error is None:
                self._manager.guard.check(request, self._origin, waits=True)
                try:
                    self._audio = await async_prepare_audio(
                        self._manager, request, self._speech, is_lasting=True
                    )
                except HomeAssistantError as err:
                    self.error = err
        if self.error is not None:
            raise self.error
        return with_audio(request, self._audio)
