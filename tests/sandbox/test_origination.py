"""Reading an originate request."""

import contextlib
from dataclasses import replace

from hypothesis import given, strategies as st
import pytest

from sandbox import SandboxConfig
from sandbox.calls import Origination
from sandbox.origination import OriginationRefusedError, read_origination

from .helpers import ORIGINATE, Pbx, order

CONFIG = replace(SandboxConfig())
INTERNAL = frozenset(phone.number for phone in CONFIG.phones)


def _read(body: dict[str, object]) -> Origination:
    return read_origination(body, CONFIG, INTERNAL.__contains__)


def test_everything_given() -> None:
    """Seconds become numbers."""
    body = order("101", "0912", trunk_name="cisco", timeout="15", call_limit="60")
    assert _read(dict(body)) == Origination(
        caller="101",
        callee="0912",
        context="main_routing",
        caller_id="101",
        trunk_name="cisco",
        timeout=15,
        call_limit=60,
    )


@pytest.mark.parametrize(
    "more", [{}, {"timeout": "", "call_limit": "", "trunk_name": ""}, {"other": "x"}]
)
def test_what_may_be_left_out(more: dict[str, str]) -> None:
    """Thirty seconds, no limit; unknown fields are none of our business."""
    read = _read(dict(order("101", "102", **more)))
    assert (read.timeout, read.call_limit, read.trunk_name) == (30, None, "")


@pytest.mark.parametrize("name", ["caller", "callee", "context", "caller_id"])
@pytest.mark.parametrize("value", ["", None, "absent"])
async def test_what_must_be_there(pbx: Pbx, name: str, value: str | None) -> None:
    """The documented message, and no call."""
    body: dict[str, object] = {**order("101", "102"), name: value}
    if value == "absent":
        del body[name]
    reply = await pbx.post(ORIGINATE, body)
    assert reply.status == 200
    assert reply.message == f"Field '{name}':value is missing"
    assert pbx.sandbox.calls == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"caller": 101}, "Field 'caller':value must be a string"),
        ({"timeout": 30}, "Field 'timeout':value must be a string"),
        ({"call_limit": 1.5}, "Field 'call_limit':value must be a string"),
        ({"trunk_name": False}, "Field 'trunk_name':value must be a string"),
        ({"callee": ["102"]}, "Field 'callee':value must be a string"),
        ({"timeout": "soon"}, "Field 'timeout':value is invalid"),
        ({"timeout": "0"}, "Field 'timeout':value is invalid"),
        ({"timeout": "\u0663\u0660"}, "Field 'timeout':value is invalid"),
        ({"call_limit": "-1"}, "Field 'call_limit':value is invalid"),
        ({"callee": "1 2"}, "Field 'callee':value is invalid"),
        ({"caller": "\u06f1\u06f0\u06f1"}, "Field 'caller':value is invalid"),
        ({"context": "other"}, "Context 'other' does not exist"),
        ({"caller": "0912"}, "Field 'trunk_name':value is missing"),
        (
            {"caller": "0912", "trunk_name": "cisco"},
            "Trunk 'cisco' does not exist",
        ),
        (
            {"caller": "0912", "trunk_name": "spare_trunk"},
            "Trunk 'spare_trunk' is not active",
        ),
    ],
)
async def test_what_is_refused(
    pbx: Pbx, changes: dict[str, object], message: str
) -> None:
    """Each with a message for the user, and no phone rings."""
    reply = await pbx.post(ORIGINATE, {**order("101", "102"), **changes})
    assert reply.status == 200
    assert reply.message == message
    assert reply.json["data"] is None
    assert pbx.sandbox.calls == []


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
FIELDS = ("caller", "callee", "context", "caller_id", "trunk_name", "timeout")


@given(
    st.dictionaries(
        st.sampled_from((*FIELDS, "call_limit")) | st.text(),
        VALUES
        | st.sampled_from(("101", "0912", "main_routing", "main_trunk", "30"))
        | st.lists(VALUES)
        | st.dictionaries(st.text(), VALUES),
    )
)
def test_any_body(body: dict[str, object]) -> None:
    """It becomes a request in order, or is refused with a message."""
    with contextlib.suppress(OriginationRefusedError):
        read = _read(body)
        assert read.context == "main_routing"
        assert read.caller in INTERNAL or read.trunk_name == "main_trunk"
        assert read.timeout > 0
