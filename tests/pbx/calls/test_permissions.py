"""Tests of permissions: calls require control of the PBX."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from homeassistant.auth.const import (
    GROUP_ID_ADMIN,
    GROUP_ID_READ_ONLY,
    GROUP_ID_USER,
)
from homeassistant.auth.models import User
from homeassistant.auth.permissions.const import POLICY_CONTROL
from homeassistant.components import conversation
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import (
    HomeAssistantError,
    ServiceValidationError,
    Unauthorized,
    UnknownUser,
)
from homeassistant.helpers import entity_registry as er, llm
from homeassistant.helpers.llm import LLM_API_ASSIST
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockUser,
)

from custom_components.pbx.backends.base import Feature
from custom_components.pbx.backends.errors import PbxError, PbxErrorCode
from custom_components.pbx.const import DOMAIN
from custom_components.pbx.llm import async_get_tools
from sandbox import Sandbox

from ..common import place_call
from ..people import entity_of, set_up
from ..reporting import add_other_pbx, begin_call
from ..toy import ToyBackend, Toys
from .test_contacts import MUM, WORKSHOP, sent

# The data of each action, with a number that is not in the phone book.
ACTIONS: list[tuple[str, dict[str, Any]]] = [
    ("originate", {"callee": "200"}),
    ("originate", {"callee_contact": "Mum"}),
    ("escalate", {"callers": ["Mum"], "callee": "200", "trunk_name": "t"}),
    ("ring", {"callers": ["101"]}),
    ("escalate", {"callees": ["200"]}),
    ("hang_up", {}),
    ("hang_up", {"originated_call_id": "orig.call.1.2"}),
    ("send_keys", {"keys": "9"}),
]


async def run(
    hass: HomeAssistant, user_id: str | None, action: str, data: Mapping[str, Any]
) -> None:
    """Run an action as a user."""
    context = Context(user_id=user_id)
    await hass.services.async_call(
        DOMAIN, action, dict(data), blocking=True, context=context
    )


async def guest(
    hass: HomeAssistant, owner: User, group: str = GROUP_ID_READ_ONLY
) -> User:
    """Return a user of a group who is not the owner."""
    assert owner.is_owner  # the first one, who may do all
    return await hass.auth.async_create_user("Guest", group_ids=[group])


def with_policy(hass: HomeAssistant, policy: dict[str, Any]) -> MockUser:
    """Return a user with a policy for entities."""
    user = MockUser()
    user.mock_policy({"entities": policy})
    return user.add_to_hass(hass)


def of_pbx(hass: HomeAssistant, entry: MockConfigEntry) -> list[str]:
    """Return the entities of a PBX's own device."""
    entries = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    return [each.entity_id for each in entries if each.config_subentry_id is None]


@pytest.mark.parametrize(("action", "data"), ACTIONS)
async def test_read_only(
    hass: HomeAssistant,
    hass_owner_user: User,
    entry: MockConfigEntry,
    sandbox: Sandbox,
    action: str,
    data: dict[str, Any],
) -> None:
    """A user with read access only can neither call nor hang up."""
    made = await set_up(hass, entry, MUM)
    user = await guest(hass, hass_owner_user)
    before = len(sandbox.requests)
    with pytest.raises(Unauthorized) as raised:
        await run(hass, user.id, action, data)

    assert raised.value.user_id == user.id
    assert raised.value.context is not None
    assert raised.value.permission == POLICY_CONTROL
    assert raised.value.entity_id in of_pbx(hass, made)
    assert len(sandbox.requests) == before


@pytest.mark.parametrize("group", [GROUP_ID_USER, GROUP_ID_ADMIN, None])
async def test_control(
    hass: HomeAssistant,
    hass_owner_user: User,
    entry: MockConfigEntry,
    sandbox: Sandbox,
    group: str | None,
) -> None:
    """A user who may control everything can call, and so can an automation."""
    await set_up(hass, entry, MUM)
    user = await guest(hass, hass_owner_user, group) if group else None
    await run(hass, user.id if user else None, "originate", {"callee": "200"})

    assert [body["callee"] for body in sent(sandbox)] == ["200"]


@pytest.mark.parametrize(("action", "data"), ACTIONS)
async def test_unknown_user(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    sandbox: Sandbox,
    action: str,
    data: dict[str, Any],
) -> None:
    """A removed user is refused before anything is looked up."""
    await set_up(hass, entry, MUM)
    before = len(sandbox.requests)
    for asked in (data, {**data, "config_entry_id": "01ABC"}):
        with pytest.raises(UnknownUser):
            await run(hass, "gone", action, asked)

    assert len(sandbox.requests) == before


async def test_control_of_the_pbx(
    hass: HomeAssistant,
    hass_owner_user: User,
    entry: MockConfigEntry,
    sandbox: Sandbox,
) -> None:
    """Control of all entities of the PBX is needed; others are not enough."""
    assert hass_owner_user.is_owner
    made = await set_up(hass, entry, MUM, title="One")
    await set_up(hass, entry, WORKSHOP, title="Two")
    own = of_pbx(hass, made)
    data = {"callee": "200", "config_entry_id": made.entry_id}
    all_of_it = with_policy(hass, {"entity_ids": dict.fromkeys(own, True)})
    await run(hass, all_of_it.id, "originate", data)
    assert len(sent(sandbox)) == 1

    with pytest.raises(Unauthorized):
        await run(hass, all_of_it.id, "originate", {"callee_contact": "Workshop"})
    some_of_it = with_policy(hass, {"entity_ids": dict.fromkeys(own[1:], True)})
    button = entity_of(hass, made, "Mum", "call")
    contact = with_policy(hass, {"entity_ids": {button: True}})
    for user in (some_of_it, contact):
        with pytest.raises(Unauthorized) as raised:
            await run(hass, user.id, "originate", {**data, "callee_contact": "Mum"})
        assert raised.value.entity_id == own[0]
    assert len(sent(sandbox)) == 1


async def test_hang_up_of_the_pbxs(
    hass: HomeAssistant,
    hass_owner_user: User,
    toys: Toys,
    toy_entry: MockConfigEntry,
) -> None:
    """A user only hangs up calls of the PBXs that they may control."""
    assert hass_owner_user.is_owner
    other = await add_other_pbx(hass, toy_entry)
    first, second = toys.made
    one = await begin_call(hass, toy_entry)
    two = await begin_call(hass, other)
    own = of_pbx(hass, other)
    user = with_policy(hass, {"entity_ids": dict.fromkeys(own, True)})
    await run(hass, user.id, "hang_up", {"originated_call_id": one})
    assert (first.hung_up, second.hung_up) == ([], [])
    with pytest.raises(Unauthorized):
        await run(hass, user.id, "hang_up", {"config_entry_id": toy_entry.entry_id})

    await run(hass, user.id, "hang_up", {})
    assert (first.hung_up, second.hung_up) == ([], [two])
    with pytest.raises(Unauthorized):
        await run(hass, with_policy(hass, {}).id, "hang_up", {})


@pytest.mark.parametrize("toy_features", [(Feature.RING_TONE, Feature.GROUPS)])
@pytest.mark.parametrize(
    ("action", "data"),
    [
        ("originate", {"caller": "101", "callee": "200"}),
        ("escalate", {"callers": ["101"], "callee": "200"}),
    ],
)
async def test_auto_answer(
    hass: HomeAssistant,
    hass_owner_user: User,
    toy: ToyBackend,
    action: str,
    data: dict[str, Any],
) -> None:
    """A user who is no administrator does not turn on a microphone."""
    user = await guest(hass, hass_owner_user, GROUP_ID_USER)
    toy.error = PbxError(PbxErrorCode.REFUSED)
    for value in (True, "on", 1):
        with pytest.raises(ServiceValidationError) as caught:
            await run(hass, user.id, action, data | {"auto_answer": value})
        assert caught.value.translation_key == "auto_answer_admins_only"
        assert "administrators" in str(caught.value)
    assert toy.requests == []

    admin = await guest(hass, hass_owner_user, GROUP_ID_ADMIN)
    for user_id, auto_answer in ((user.id, False), (admin.id, True), (None, True)):
        with suppress(HomeAssistantError):
            await run(hass, user_id, action, data | {"auto_answer": auto_answer})
        assert toy.requests[-1].auto_answer is auto_answer


async def test_no_entities(
    hass: HomeAssistant,
    hass_owner_user: User,
    entry: MockConfigEntry,
    sandbox: Sandbox,
) -> None:
    """A PBX without entities requires control of everything."""
    made = await set_up(hass, entry)
    for entity_id in of_pbx(hass, made):
        er.async_get(hass).async_remove(entity_id)
    user = await guest(hass, hass_owner_user)
    with pytest.raises(Unauthorized):
        await run(hass, user.id, "originate", {"callee": "200"})
    assert sent(sandbox) == []

    user = await guest(hass, hass_owner_user, GROUP_ID_USER)
    await run(hass, user.id, "originate", {"callee": "200"})
    assert len(sent(sandbox)) == 1


async def test_automation_of_a_read_only_user(
    hass: HomeAssistant,
    hass_owner_user: User,
    entry: MockConfigEntry,
    sandbox: Sandbox,
) -> None:
    """An automation may call, regardless of the user who triggered it."""
    await set_up(hass, entry)
    user = await guest(hass, hass_owner_user)
    automation = {
        "alias": "Bell",
        "triggers": [{"trigger": "event", "event_type": "bell"}],
        "actions": [{"action": "pbx.originate", "data": {"callee": "200"}}],
    }
    assert await async_setup_component(hass, "automation", {"automation": [automation]})
    hass.bus.async_fire("bell", context=Context(user_id=user.id))
    await hass.async_block_till_done()

    assert len(sent(sandbox)) == 1


# --- Contacts require control of their button ---


@pytest.fixture
async def _assist(hass: HomeAssistant) -> None:
    """Set up Assist."""
    pytest.importorskip("hassil")
    for component in ("homeassistant", "conversation"):
        assert await async_setup_component(hass, component, {})
    await hass.async_block_till_done()


@pytest.mark.usefixtures("_assist")
@pytest.mark.parametrize("may", [True, False])
async def test_voice(
    hass: HomeAssistant,
    hass_owner_user: User,
    entry: MockConfigEntry,
    sandbox: Sandbox,
    may: bool,
) -> None:
    """Assist does not call a contact whose button the user may not press."""
    assert hass_owner_user.is_owner
    made = await set_up(hass, entry, MUM, WORKSHOP)
    named = "Mum" if may else "Workshop"
    user = with_policy(
        hass, {"entity_ids": {entity_of(hass, made, named, "call"): True}}
    )
    context = Context(user_id=user.id)
    result = await conversation.async_converse(
        hass, "call mum", None, context, language="en"
    )
    await hass.async_block_till_done()

    speech: dict[str, Any] = result.response.speech
    said = speech["plain"]["speech"]
    assert said == (
        "101 rings first, then Mum."
        if may
        else "Mum could not be called. You do not have permission to do this. Ask an"
        " administrator to grant it."
    )
    assert len(sent(sandbox)) == may


@pytest.mark.usefixtures("_assist")
async def test_llm(
    hass: HomeAssistant,
    hass_owner_user: User,
    entry: MockConfigEntry,
    sandbox: Sandbox,
) -> None:
    """Nor does a language model."""
    await set_up(hass, entry, MUM, llm_tool=True)
    user = await guest(hass, hass_owner_user)
    context = llm.LLMContext(
        "test", Context(user_id=user.id), "en", conversation.DOMAIN, None
    )
    tool_input = llm.ToolInput(tool_name="pbx__call", tool_args={"contact": "Mum"})
    tools = async_get_tools(hass, context, LLM_API_ASSIST)
    assert tools is not None
    (tool,) = tools.tools
    result: Any = await tool.async_call(hass, tool_input, context)

    assert getattr(result, "data", result) == {"error": "Unauthorized"}
    assert sent(sandbox) == []
    await place_call(hass, callee_contact="Mum")  # an automation may
    assert len(sent(sandbox)) == 1
