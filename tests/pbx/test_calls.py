"""Tests of the calls that are remembered."""

from datetime import UTC, datetime

from custom_components.pbx.calls import Call
from custom_components.pbx.client import CallRequest


def test_redacted() -> None:
    """A call leaves for diagnostics with all but its numbers."""
    request = CallRequest(
        caller="557",
        callee="09121234567",
        context="main_routing",
        caller_id="02112345678",
        trunk_name="cisco",
        timeout=30,
        call_limit=None,
    )
    call = Call(
        request=request,
        requested_at=datetime(2026, 11, 1, 12, tzinfo=UTC),
        originated_call_id="orig.call.1.2",
    )

    assert call.redacted() == {
        "requested_at": "2026-11-01T12:00:00+00:00",
        "originated_call_id": "orig.call.1.2",
        "caller": "***",
        "callee": "*********67",
        "caller_id": "*********78",
        "context": "main_routing",
        "trunk_name": "cisco",
        "timeout": 30,
        "call_limit": None,
        "error": None,
    }
