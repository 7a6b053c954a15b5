"""Steps of a call in a bridge of our own, and their repetition where they fail."""

from collections.abc import Awaitable, Callable
import logging
from typing import Final

from ..errors import CallNotFoundError, PbxError
from .application import Tools
from .background import PAUSES
from .line import Line, Stage
from .line_requests import LineRequests

_LOGGER = logging.getLogger(__name__)

# Seconds after which Asterisk itself ends a caller who waits, if no one else does.
_MARGIN: Final = 10


class LineTasks:
    """The steps that involve requests.

    Attributes:
        requests: sends them.
    """

    def __init__(self, tools: Tools) -> None:
        """Initialize; nothing is sent."""
        self.requests = LineRequests(tools.client)
        self._background = tools.background

    async def call(self, line: Line) -> None:
        """Call the callee, while the caller hears ringing.

        Raises:
            PbxError: as `LineRequests` does.
        """
        request, callee = line.request, line.callee
        try:
            await self.requests.ring(line, request.timeout + _MARGIN)
            await self.requests.call(line)
        finally:
            if line.request is request:
                line.is_placing = False
            if line.stage is Stage.OVER or line.request is not request:
                # A request to hang up must not overtake the call request.
                self._background.stop(callee, is_certain=False)

    def hold(self, line: Line) -> None:
        """Keep a caller on the line in the background."""
        line.stage = Stage.HELD
        self._repeat(line, self._async_hold)

    def connect(self, line: Line) -> None:
        """Let both parties talk, in the background."""
        line.stage = Stage.TALKING
        self._repeat(line, self._async_connect)

    def delete_bridge(self, line: Line) -> None:
        """Delete the bridge of a call in the background."""
        self._background.start(self._async_delete_bridge(line.bridge))

    async def _async_hold(self, line: Line) -> None:
        await self.requests.ring(line, (line.request.hold_time or 0) + _MARGIN)

    async def _async_connect(self, line: Line) -> None:
        bridge_id, progress = line.bridge, line.progress
        try:
            await self.requests.connect(line)
        finally:
            if line.progress != progress:
                # It may have been created after it was deleted.
                self._background.start(self._async_delete_bridge(bridge_id))

    def _repeat(self, line: Line, act: Callable[[Line], Awaitable[None]]) -> None:
        self._background.start(self._async_repeat(line, line.progress, act))

    async def _async_repeat(
        self, line: Line, progress: object, act: Callable[[Line], Awaitable[None]]
    ) -> None:
        """Do something for a caller, and repeat it if it fails.

        If it fails for good, the caller is hung up, who would wait in silence.

        Args:
            line: of the caller.
            progress: of the line; when it changes, nothing more is done.
            act: sends the requests.
        """
        error: PbxError | None = None
        for pause in PAUSES:
            await self._background.pause(pause)
            if line.progress != progress:
                return
            try:
                await act(line)
            except CallNotFoundError:
                # An event reports it.
                return
            except PbxError as err:
                error = err
            else:
                return
        _LOGGER.warning("Failed to connect a caller who is on the line: %s", error)
        await self._background.stop_now(line.caller)

    async def _async_delete_bridge(self, bridge_id: str) -> None:
        try:
            await self.requests.delete_bridge(bridge_id)
        except PbxError as err:
            # Asterisk forgets it when it restarts; no one is in it.
            _LOGGER.debug("Failed to delete a bridge: %s", err)
