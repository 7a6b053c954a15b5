"""The requests that the sandbox implements."""

import pytest

from sandbox.model import IMPLEMENTED

from .helpers import ORIGINATE, PING, TRUNKS, Pbx, Receiver, order


async def test_a_ping_answers_and_is_an_event(pbx: Pbx, connected: Receiver) -> None:
    """At once a test of the credentials and of the way back."""
    reply = await pbx.post(PING)
    assert reply.json == {
        "success": 1,
        "message": "Requested operation is done successfully",
        "data": None,
    }
    await pbx.clock.settle()
    assert connected.names() == ["Ping"]


async def test_originate_answers_as_documented(pbx: Pbx) -> None:
    """Immediately, before an answer."""
    reply = await pbx.post(ORIGINATE, order("101", "102", caller_id="555"))
    (call,) = pbx.sandbox.calls
    assert reply.json == {
        "success": 1,
        "message": None,
        "data": {"originated_call_id": call.id},
    }
    assert call.id == "orig.call.1686648400.787335"
    assert (call.state, call.caller_id) == ("placed", "555")


@pytest.mark.parametrize(
    "path",
    [
        "/autodialer/campaigns/add",
        "/autodialer/announcements/upload",
        "/reports/cdr/search",
        "/no/such/thing",
    ],
)
async def test_what_is_not_there(pbx: Pbx, path: str) -> None:
    """An older PBX, or a module that is not installed."""
    reply = await pbx.post(path)
    assert (reply.status, reply.message) == (501, "Requested service does not exist")


async def test_a_pbx_too_old_for_a_request(pbx: Pbx) -> None:
    """Any request can be taken away."""
    assert (await pbx.post(TRUNKS)).status == 200
    pbx.sandbox.configure(missing_services=(TRUNKS,))
    assert (await pbx.post(TRUNKS)).status == 501
    assert TRUNKS in IMPLEMENTED
