# ruff: noqa: ANN401 - responses of the API are typed where they are used
"""Minimal client of Home Assistant's REST and WebSocket APIs."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from aiohttp import ClientSession, ClientWebSocketResponse

type Json = dict[str, Any]

_OPTIONS = "/api/config/config_entries/options/flow"
_POLL_INTERVAL = 0.1


class ApiError(Exception):
    """Home Assistant refused a request."""

    def __init__(self, code: str, message: str, translation_key: str | None) -> None:
        """Initialize the error with the response."""
        super().__init__(message)
        self.code = code
        self.translation_key = translation_key


class FlowError(Exception):
    """A config flow returned an unexpected step."""


class HomeAssistantClient:
    """Client of Home Assistant for a logged-in user."""

    def __init__(self, url: str, access_token: str) -> None:
        """Initialize the client; it connects when it is entered."""
        self._url = url
        self._access_token = access_token
        self._lock = asyncio.Lock()
        self._last_id = 0
        self._pending: dict[int, asyncio.Future[Json]] = {}
        self._listeners: dict[int, Callable[[Json], None]] = {}
        self._reader: asyncio.Task[None]
        self._session: ClientSession
        self._socket: ClientWebSocketResponse

    async def __aenter__(self) -> Self:
        """Connect."""
        headers = {"Authorization": f"Bearer {self._access_token}"}
        self._session = ClientSession(self._url, headers=headers)
        try:
            self._socket = await self._session.ws_connect(
                "/api/websocket", max_msg_size=0
            )
            await self._socket.receive_json()
            await self._socket.send_json(
                {"type": "auth", "access_token": self._access_token}
            )
            await self._socket.receive_json()
        except BaseException:
            await self._session.close()
            raise
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Disconnect."""
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        await self._socket.close()
        await self._session.close()

    async def get(self, path: str) -> Any:
        """Return the response of a GET request."""
        async with self._session.get(path, raise_for_status=True) as response:
            return await response.json()

    async def post(self, path: str, data: Json) -> Any:
        """Send a POST request, and return the response."""
        async with self._session.post(path, json=data) as response:
            if not response.ok:
                raise ApiError(str(response.status), await response.text(), None)
            return await response.json()

    async def delete(self, path: str) -> None:
        """Send a DELETE request."""
        async with self._session.delete(path, raise_for_status=True):
            pass

    async def command(self, command: str, **fields: Any) -> Any:
        """Send a WebSocket command and return its result, or raise `ApiError`.

        Commands can run concurrently: an action that waits does not block others.
        """
        answered, _ = await self._send(command, fields)
        answer = await answered
        if answer["success"]:
            return answer["result"]
        error = answer["error"]
        raise ApiError(error["code"], error["message"], error.get("translation_key"))

    async def subscribe(
        self, event_type: str, listener: Callable[[Json], None]
    ) -> None:
        """Subscribe to the events of a type on Home Assistant's event bus."""
        answered, message_id = await self._send(
            "subscribe_events", {"event_type": event_type}
        )
        self._listeners[message_id] = listener
        await answered

    async def _send(
        self, command: str, fields: Json
    ) -> tuple[asyncio.Future[Json], int]:
        """Send a command; return the future of its response, and its ID."""
        answered: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        # Home Assistant requires increasing IDs.
        async with self._lock:
            self._last_id += 1
            message_id = self._last_id
            self._pending[message_id] = answered
            await self._socket.send_json({**fields, "id": message_id, "type": command})
        return answered, message_id

    async def _read(self) -> None:
        """Dispatch the responses and events until the connection is closed."""
        try:
            while True:
                answer: Json = await self._socket.receive_json()
                if answer["type"] == "event":
                    self._listeners[answer["id"]](answer["event"])
                else:
                    self._pending.pop(answer["id"]).set_result(answer)
        finally:
            for waiting in self._pending.values():
                waiting.cancel()

    async def call_action(
        self, domain: str, action: str, data: Json, *, return_response: bool = False
    ) -> Json | None:
        """Perform an action like the frontend, and return its response."""
        result: Json = await self.command(
            "call_service",
            domain=domain,
            service=action,
            service_data=data,
            return_response=return_response,
        )
        return result.get("response")

    async def states(self) -> list[Json]:
        """Return the states of all entities."""
        states: list[Json] = await self.get("/api/states")
        return states

    async def open_options(self, entry_id: str, page: str) -> Json:
        """Open a page of a config entry's options, and return the step."""
        menu: Json = await self.post(_OPTIONS, {"handler": entry_id})
        return await self.submit_options(menu, {"next_step_id": page})

    async def submit_options(self, page: Json, data: Json) -> Json:
        """Submit a page of the options, and return the next step."""
        step: Json = await self.post(f"{_OPTIONS}/{page['flow_id']}", data)
        return step

    async def pass_progress(self, page: Json) -> Json:
        """Wait for the step that follows a progress step."""
        while page["type"] == "progress":
            await asyncio.sleep(_POLL_INTERVAL)
            page = await self.get(f"{_OPTIONS}/{page['flow_id']}")
        return page

    async def add_config_entry(self, domain: str, inputs: list[Json]) -> Json:
        """Complete a config flow with an input for each step; return the entry."""
        path = "/api/config/config_entries/flow"
        step: Json = await self.post(path, {"handler": domain})
        for data in inputs:
            if step["type"] not in {"form", "menu"}:
                break
            step = await self.post(f"{path}/{step['flow_id']}", data)
            if step.get("errors"):
                raise FlowError(f"{domain}: step {step['step_id']}: {step['errors']}")
        if step["type"] != "create_entry":
            what = step.get("reason") or step.get("step_id")
            raise FlowError(f"{domain}: ended with {step['type']}: {what}")
        entry: Json = step["result"]
        return entry
