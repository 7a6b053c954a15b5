"""Tests of what dashboards are told: state, calls and rights, by user."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from homeassistant.auth.const import GROUP_ID_READ_ONLY, GROUP_ID_USER
from homeassistant.auth.models import User
from homeassistant.config_entries import (
    ConfigEntryDisabler,
    ConfigEntryState,
    ConfigSubentry,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (
    CLIENT_ID,
    MockConfigEntry,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.typing import (
    MockHAClientWebSocket,
    WebSocketGenerator,
)

from custom_components.pbx import websocket
from custom_components.pbx.backends.base import Channel, ChannelState, Feature
from custom_components.pbx.backends.errors import PbxError, PbxErrorCode
from custom_components.pbx.backends.updates import (
    CallResult,
    CallState,
    CallUpdate,
    Direction,
    ExtensionState,
    ExtensionUpdate,
)
from custom_components.pbx.calls.dashboard import enabled_managers
from custom_components.pbx.const import CONF_LOG_READERS, READERS_ADMINS

from .common import set_options, settle
from .people import contact, device_of, disable, entity_of, phone, set_up
from .reporting import add_other_pbx, begin_call, end_call, ring_in
from .toy import Toys

MUM = contact("Mum", "09121234567", person="person.mum")
KITCHEN = phone("Kitchen", "101")


@dataclass
class Page:
    """One page that shows PBXs, and what it was told.

    Attributes:
        client: its connection.
        id: of its subscription.
        state: that was sent first.
    """

    client: MockHAClientWebSocket
    id: int
    state: dict[str, Any]

    async def next(self) -> dict[str, Any]:
        """Return the next message, without the time."""
        async with asyncio.timeout(5):
            message = await self.client.receive_json()
        assert message["id"] == self.id
        event: dict[str, Any] = message["event"]
        event.pop("now", None)
        return event

    async def expect_nothing(self) -> None:
        """Check that nothing was sent."""
        await asyncio.sleep(3 * websocket.COLLECT_TIME)
        await self.client.send_json_auto_id({"type": "ping"})
        message = await self.client.receive_json()
        assert message["type"] == "pong", message

    async def ask(self, **data: Any) -> dict[str, Any]:  # noqa: ANN401 - any field
        """Return the answer to the command for calls."""
        await self.client.send_json_auto_id({"type": "pbx/calls", **data})
        message: dict[str, Any] = await self.client.receive_json()
        return message


class Pages:
    """Opens pages of different users."""

    def __init__(self, hass: HomeAssistant, connect: WebSocketGenerator) -> None:
        """Initialize without any page."""
        self._hass = hass
        self._connect = connect

    async def open(self, user: User | None = None) -> Page:
        """Open a page of a user, or else of an administrator."""
        if user is None:
            client = await self._connect(self._hass)
        else:
            token = await self._hass.auth.async_create_refresh_token(user, CLIENT_ID)
            access = self._hass.auth.async_create_access_token(token)
            client = await self._connect(self._hass, access)
        await client.send_json_auto_id({"type": "pbx/subscribe"})
        result = await client.receive_json()
        assert result["success"]
        page = Page(client, result["id"], {})
        page.state = await page.next()
        assert page.state["type"] == "state"
        return page


@pytest.fixture
def pages(
    hass: HomeAssistant,
    hass_ws_client: WebSocketGenerator,
    monkeypatch: pytest.MonkeyPatch,
) -> Pages:
    """Return what opens pages."""
    monkeypatch.setattr(websocket, "COLLECT_TIME", 0.02)
    return Pages(hass, hass_ws_client)


async def user_of(hass: HomeAssistant, group: str) -> User:
    """Return a user of a group."""
    return await hass.auth.async_create_user("Guest", group_ids=[group])


# --- the state ---


async def test_state(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys, pages: Pages
) -> None:
    """A page is told of the PBXs, their contacts, and what the user may do."""
    hass.states.async_set("person.mum", "home", {"entity_picture": "/mum.jpg"})
    made = await set_up(hass, new_toy, MUM, KITCHEN)
    await settle(hass)
    toys.latest.sink.extension(ExtensionUpdate("101", ExtensionState.IDLE))
    page = await pages.open()
    entry_id = made.entry_id
    kitchen = device_of(hass, made, "Kitchen")
    assert page.state == {
        "type": "state",
        "pbxs": [
            {
                "config_entry_id": entry_id,
                "title": "Toy",
                "kind": "toy",
                "features": [Feature.HANG_UP],
                "ready": True,
            }
        ],
        "contacts": [
            {
                "contact": device_of(hass, made, "Mum"),
                "config_entry_id": entry_id,
                "name": "Mum",
                "number": "09121234567",
                "person": "person.mum",
                "picture": "/mum.jpg",
                "is_extension": False,
                "extension_state": None,
                "button_entity_id": "button.mum",
            },
            {
                "contact": kitchen,
                "config_entry_id": entry_id,
                "name": "Kitchen",
                "number": "101",
                "person": None,
                "picture": None,
                "is_extension": True,
                "extension_state": "idle",
                "button_entity_id": "button.kitchen",
            },
        ],
        "may": {
            "read": True,
            "dial": [entry_id],
            "call": [entry_id],
            "hang_up": [entry_id],
            "mark_seen": [entry_id],
        },
        "default_caller": {entry_id: kitchen},
        "rows": [],
    }


@pytest.mark.parametrize(
    ("caller", "shown"), [("102", "102"), ("kitchen", "Kitchen"), ("", None)]
)
async def test_default_caller(
    hass: HomeAssistant,
    new_toy: MockConfigEntry,
    pages: Pages,
    caller: str,
    shown: str | None,
) -> None:
    """The default caller is a contact where one has the number or the name."""
    made = await set_up(hass, new_toy, KITCHEN, caller=caller)
    if shown == "Kitchen":
        shown = device_of(hass, made, "Kitchen")
    page = await pages.open()
    assert page.state["default_caller"] == {made.entry_id: shown}


async def test_settings(
    hass: HomeAssistant, new_toy: MockConfigEntry, pages: Pages
) -> None:
    """The state is sent again, once, when settings or contacts change."""
    made = await set_up(hass, new_toy, MUM, KITCHEN)
    page = await pages.open()
    hass.config_entries.async_update_entry(made, title="House")
    assert (await page.next())["pbxs"][0]["title"] == "House"
    await set_options(hass, made, caller="102")
    assert (await page.next())["default_caller"] == {made.entry_id: "102"}

    mum = next(each for each in made.subentries.values() if each.title == "Mum")
    hass.config_entries.async_update_subentry(made, mum, title="Mama")
    names = [each["name"] for each in (await page.next())["contacts"]]
    assert names == ["Mama", "Kitchen"]
    hass.config_entries.async_remove_subentry(made, mum.subentry_id)
    await settle(hass)
    names = [each["name"] for each in (await page.next())["contacts"]]
    assert names == ["Kitchen"]
    await page.expect_nothing()


async def test_new_contact(
    hass: HomeAssistant, new_toy: MockConfigEntry, pages: Pages
) -> None:
    """A new contact is sent as soon as it has a device and a button."""
    made = await set_up(hass, new_toy, KITCHEN)
    page = await pages.open()
    added = ConfigSubentry(
        data=MappingProxyType({**MUM["data"]}),
        subentry_type=MUM["subentry_type"],
        title=MUM["title"],
        unique_id=MUM["unique_id"],
    )
    hass.config_entries.async_add_subentry(made, added)
    await settle(hass)
    state = await page.next()
    while len(state["contacts"]) < 2:
        state = await page.next()
    assert state["contacts"][1]["contact"] == device_of(hass, made, "Mum")
    assert state["contacts"][1]["button_entity_id"] == "button.mum"


async def test_disabled_contact(
    hass: HomeAssistant, new_toy: MockConfigEntry, pages: Pages
) -> None:
    """A contact that a user disables is not there, and may have another button."""
    made = await set_up(hass, new_toy, MUM, KITCHEN)
    page = await pages.open()
    registry = er.async_get(hass)
    button = entity_of(hass, made, "Mum", "call")
    registry.async_update_entity(button, new_entity_id="button.mama")
    assert (await page.next())["contacts"][0]["button_entity_id"] == "button.mama"
    disable(hass, made, "Mum", "device")
    names = [each["name"] for each in (await page.next())["contacts"]]
    assert names == ["Kitchen"]


async def test_others(
    hass: HomeAssistant, new_toy: MockConfigEntry, pages: Pages
) -> None:
    """What happens to other integrations is not sent."""
    await set_up(hass, new_toy, MUM)
    page = await pages.open()
    other = MockConfigEntry(domain="other")
    other.add_to_hass(hass)
    hass.config_entries.async_update_entry(other, title="Other")
    registry = er.async_get(hass)
    for platform in ("light", "button"):
        registry.async_get_or_create(platform, "other", "1", config_entry=other)
    dr.async_get(hass).async_get_or_create(
        config_entry_id=other.entry_id, identifiers={("other", "1")}
    )
    await user_of(hass, GROUP_ID_USER)
    await page.expect_nothing()


async def test_reload(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys, pages: Pages
) -> None:
    """A page is told when a PBX is away and back, and follows its calls after that."""
    made = await set_up(hass, new_toy, MUM)
    page = await pages.open()
    assert await hass.config_entries.async_unload(made.entry_id)
    assert [each["ready"] for each in (await page.next())["pbxs"]] == [False]
    assert await hass.config_entries.async_setup(made.entry_id)
    await settle(hass)
    assert [each["ready"] for each in (await page.next())["pbxs"]] == [True]

    await ring_in(hass, toys.latest)
    assert (await page.next())["row"]["name"] == "Mum"


async def test_number_of_pbxs(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys, pages: Pages
) -> None:
    """Added PBXs are there with their calls; removed and disabled ones are not."""
    made = await set_up(hass, new_toy, MUM)
    page = await pages.open()
    other = await add_other_pbx(hass, made)
    state = await page.next()
    while not all(each["ready"] for each in state["pbxs"]) or len(state["pbxs"]) < 2:
        state = await page.next()
    titles = [each["title"] for each in state["pbxs"]]
    assert titles == ["Toy", "Other"]
    assert state["may"]["call"] == [made.entry_id, other.entry_id]
    second = toys.latest
    await ring_in(hass, second)
    assert (await page.next())["row"]["config_entry_id"] == other.entry_id

    await hass.config_entries.async_set_disabled_by(
        other.entry_id, ConfigEntryDisabler.USER
    )
    state = await page.next()
    assert [each["title"] for each in state["pbxs"]] == ["Toy"]
    assert state["rows"] == []
    # What was under way ends unseen.
    await ring_in(hass, second, caller="200", call_id="1.3")
    await page.expect_nothing()
    assert await hass.config_entries.async_remove(made.entry_id)
    while (state := await page.next())["pbxs"]:
        # It is unloaded before it is removed.
        assert [each["ready"] for each in state["pbxs"]] == [False]
    assert (state["pbxs"], state["contacts"], state["may"]["call"]) == ([], [], [])
    assert len(enabled_managers(hass)) == 0


async def test_pbx_that_does_not_respond(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys, pages: Pages
) -> None:
    """Such a PBX is shown, but is not ready."""
    error = PbxError(PbxErrorCode.CANNOT_CONNECT)
    toys.prepare = lambda toy: setattr(toy, "error", error)
    await hass.config_entries.async_setup(new_toy.entry_id)
    assert new_toy.state is not ConfigEntryState.LOADED
    page = await pages.open()
    assert [each["ready"] for each in page.state["pbxs"]] == [False]


# --- phones ---


async def test_extension(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys, pages: Pages
) -> None:
    """What a phone does is a short message; a lost stream makes it unknown."""
    made = await set_up(hass, new_toy, KITCHEN)
    await settle(hass)
    page = await pages.open()
    sink = toys.latest.sink
    sink.extension(ExtensionUpdate("101", ExtensionState.IN_USE, "200"))
    sink.extension(ExtensionUpdate("199", ExtensionState.IN_USE))
    assert await page.next() == {
        "type": "extension",
        "contact": device_of(hass, made, "Kitchen"),
        "extension_state": "in_use",
    }
    await page.expect_nothing()
    sink.health(Channel.STREAM, ChannelState.FAILING)
    (kitchen,) = (await page.next())["contacts"]
    assert kitchen["extension_state"] is None


# --- calls ---


async def test_call(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys, pages: Pages
) -> None:
    """A call is one row from its beginning on, sent to all pages at each change."""
    made = await set_up(hass, new_toy, MUM)
    page, other = await pages.open(), await pages.open()
    call_id = await begin_call(hass, made, callee="09121234567")
    row = (await page.next())["row"]
    assert (row["state"], row["ended_at"], row["name"]) == ("placed", None, "Mum")
    toys.latest.sink.call(
        CallUpdate(state=CallState.CONNECTED, originated_call_id=call_id)
    )
    connected = (await page.next())["row"]
    assert (connected["id"], connected["state"]) == (row["id"], "connected")
    assert [(await other.next())["row"] for _ in range(2)] == [row, connected]

    # A page that is opened now has it in the state.
    late = await pages.open()
    assert late.state["rows"] == [connected]
    await end_call(hass, toys.latest, call_id)
    for each in (page, other, late):
        ended = (await each.next())["row"]
        assert (ended["id"], ended["state"]) == (row["id"], "ended")
        assert ended["ended_at"] is not None


async def test_who_may_hang_up(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys, pages: Pages
) -> None:
    """Each live call says whether this user may end it, whoever has placed it."""
    await set_up(hass, new_toy, MUM, KITCHEN)
    admin = await pages.open()
    reader = await pages.open(await user_of(hass, GROUP_ID_READ_ONLY))
    await ring_in(hass, toys.latest)
    assert (await admin.next())["row"]["may_hang_up"] is True
    assert (await reader.next())["row"]["may_hang_up"] is False
    late = await pages.open()
    assert [each["may_hang_up"] for each in late.state["rows"]] == [True]
    toys.latest.sink.call(
        CallUpdate(state=CallState.ENDED, call_id="1.2", result=CallResult.NO_ANSWER)
    )
    assert (await admin.next())["row"]["may_hang_up"] is False


@pytest.mark.parametrize("toy_features", [()])
async def test_nobody_may_hang_up(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys, pages: Pages
) -> None:
    """A PBX that cannot hang up says so for each call, and for all of them."""
    made = await set_up(hass, new_toy, MUM)
    page = await pages.open()
    assert page.state["may"]["hang_up"] == []
    assert page.state["may"]["call"] == [made.entry_id]
    await ring_in(hass, toys.latest)
    assert (await page.next())["row"]["may_hang_up"] is False


async def test_removed(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys, pages: Pages
) -> None:
    """A call that is no longer kept is taken away; so are all if none is kept."""
    made = await set_up(hass, new_toy, MUM, log_calls=1)
    for number in ("200", "201"):
        await end_call(hass, toys.latest, await begin_call(hass, made, callee=number))
    page = await pages.open()
    (row,) = page.state["rows"]
    await begin_call(hass, made, callee="202")
    events = [await page.next(), await page.next()]
    assert sorted(each["type"] for each in events) == ["removed", "row"]
    assert {"type": "removed", "id": row["id"]} in events
    await set_options(hass, made, log_calls=0)
    assert (await page.next())["rows"] == []


async def test_closed(
    hass: HomeAssistant, new_toy: MockConfigEntry, pages: Pages
) -> None:
    """Nothing is sent after the end of a subscription, whatever is due."""
    made = await set_up(hass, new_toy, MUM)
    page = await pages.open()
    hass.config_entries.async_update_entry(made, title="House")
    message = {"type": "unsubscribe_events", "subscription": page.id}
    await page.client.send_json_auto_id(message)
    assert (await page.client.receive_json())["success"]
    await begin_call(hass, made)
    await page.expect_nothing()


# --- pages of calls ---


async def fill(
    hass: HomeAssistant, toys: Toys, entries: list[MockConfigEntry], count: int
) -> list[str]:
    """Report calls of several PBXs in turn; return their ids, newest first."""
    for number in range(count):
        toy = toys.made[number % len(entries)]
        facts: dict[str, Any] = {
            "call_id": f"1.{number}",
            "caller": f"0912000{number:04}",
            "callee": "101",
            "direction": Direction.INCOMING,
        }
        toy.sink.call(CallUpdate(state=CallState.PLACED, **facts))
        toy.sink.call(
            CallUpdate(state=CallState.ENDED, result=CallResult.ANSWERED, **facts)
        )
    await settle(hass)
    rows = [row for each in enabled_managers(hass) for row in each.log.rows(count)]
    return [row.id for row in sorted(rows, key=lambda row: (row.began_at, row.id))][
        ::-1
    ]


async def test_pages(
    hass: HomeAssistant, toy_entry: MockConfigEntry, toys: Toys, pages: Pages
) -> None:
    """Older calls of all PBXs come in pages, each call once."""
    other = await add_other_pbx(hass, toy_entry)
    expected = await fill(hass, toys, [toy_entry, other], 120)
    page = await pages.open()
    seen = [row["id"] for row in page.state["rows"]]
    assert seen == expected[:50]
    has_more = True
    while has_more:
        result = (await page.ask(before=seen[-1], limit=30))["result"]
        has_more = result["has_more"]
        seen += [row["id"] for row in result["rows"]]
    assert seen == expected

    newest = (await page.ask())["result"]
    assert [row["id"] for row in newest["rows"]] == expected[:50]
    assert newest["has_more"]
    exactly = (await page.ask(limit=120))["result"]
    assert (len(exactly["rows"]), exactly["has_more"]) == (120, False)
    gone = {"rows": [], "has_more": False}
    assert (await page.ask(before="gone"))["result"] == gone
    for limit in (0, 501, "all"):
        error = (await page.ask(limit=limit))["error"]
        assert error["code"] == "invalid_format"


async def test_very_many(
    hass: HomeAssistant,
    toy_entry: MockConfigEntry,
    toys: Toys,
    pages: Pages,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Thousands of changes at once become one state, and calls are told after it."""
    monkeypatch.setattr(websocket, "COLLECT_TIME", 3600)
    page = await pages.open()
    expected = await fill(hass, toys, [toy_entry], 150)
    rows = [await page.next() for _ in range(websocket.MAX_BURST)]
    assert {each["type"] for each in rows} == {"row"}
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(hours=1))
    state = await page.next()
    assert [row["id"] for row in state["rows"]] == expected[:50]
    monkeypatch.setattr(websocket, "MAX_BURST", 1000)
    await ring_in(hass, toys.latest, call_id="2.1")
    assert (await page.next())["row"]["state"] == "placed"


# --- rights ---


async def test_read_only(
    hass: HomeAssistant, new_toy: MockConfigEntry, pages: Pages
) -> None:
    """A read-only user reads everything, and can do nothing."""
    made = await set_up(hass, new_toy, MUM)
    admin = await pages.open()
    page = await pages.open(await user_of(hass, GROUP_ID_READ_ONLY))
    nothing: list[str] = []
    assert page.state["may"] == {
        "read": True,
        "dial": nothing,
        "call": nothing,
        "hang_up": nothing,
        "mark_seen": nothing,
    }
    (mum,) = page.state["contacts"]
    assert (mum["number"], mum["button_entity_id"]) == ("09121234567", None)
    await begin_call(hass, made)
    row = await page.next()
    assert row["row"]["number"] == "200"
    assert (await admin.next())["row"]["id"] == row["row"]["id"]
    assert len((await page.ask())["result"]["rows"]) == 1


async def test_admins_only(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys, pages: Pages
) -> None:
    """Neither the state nor a message tells other users of calls and numbers."""
    made = await set_up(
        hass, new_toy, MUM, KITCHEN, caller="102", **{CONF_LOG_READERS: READERS_ADMINS}
    )
    await settle(hass)
    await ring_in(hass, toys.latest)
    admin = await pages.open()
    page = await pages.open(await user_of(hass, GROUP_ID_USER))
    assert len(admin.state["rows"]) == 1
    assert page.state["may"] == admin.state["may"] | {"read": False}
    assert page.state["rows"] == []
    assert [each["number"] for each in page.state["contacts"]] == ["", ""]
    assert page.state["default_caller"] == {made.entry_id: None}

    sink = toys.latest.sink
    sink.extension(ExtensionUpdate("101", ExtensionState.RINGING, "09121234567"))
    assert (await admin.next())["extension_state"] == "ringing"
    await ring_in(hass, toys.latest, caller="09129999999", call_id="1.3")
    row = (await admin.next())["row"]
    assert row["number"] == "09129999999"
    assert (await page.ask())["result"] == {"rows": [], "has_more": False}
    assert (await page.ask(before=row["id"]))["result"]["rows"] == []
    await page.expect_nothing()

    await set_options(hass, made, **{CONF_LOG_READERS: "everyone"})
    state = await page.next()
    assert state["may"]["read"] is True
    assert len(state["rows"]) == 2


async def test_user_changes(
    hass: HomeAssistant, new_toy: MockConfigEntry, pages: Pages
) -> None:
    """Other rights of a user count at once; other users are not told."""
    made = await set_up(hass, new_toy, MUM)
    user = await user_of(hass, GROUP_ID_USER)
    admin, page = await pages.open(), await pages.open(user)
    assert page.state["may"]["call"] == [made.entry_id]
    await hass.auth.async_update_user(user, group_ids=[GROUP_ID_READ_ONLY])
    assert (await page.next())["may"]["call"] == []
    await admin.expect_nothing()


@pytest.mark.parametrize("admins_only", [True, False])
async def test_other_numbers(
    hass: HomeAssistant, new_toy: MockConfigEntry, pages: Pages, admins_only: bool
) -> None:
    """The rule about other numbers decides whether a user gets a keypad."""
    made = await set_up(hass, new_toy, MUM, admins_only=admins_only)
    page = await pages.open(await user_of(hass, GROUP_ID_USER))
    may = page.state["may"]
    assert may["dial"] == ([] if admins_only else [made.entry_id])
    assert may["call"] == [made.entry_id]
    assert (await pages.open()).state["may"]["dial"] == [made.entry_id]


async def test_some_contacts(
    hass: HomeAssistant, new_toy: MockConfigEntry, pages: Pages
) -> None:
    """A user sees the contacts that they may see, and no PBX without any right."""
    made = await set_up(hass, new_toy, MUM, KITCHEN)
    other = await add_other_pbx(hass, new_toy)
    admin = await pages.open()
    assert len(admin.state["pbxs"]) == 2
    user = await hass.auth.async_create_user("Child")
    allowed = {entity_of(hass, made, "Mum", "call"): True}
    policy = {"entities": {"entity_ids": allowed}}
    group = await hass.auth.async_get_group(GROUP_ID_USER)
    assert group is not None
    child = type(group)(name="Child", policy=policy, id="child")
    user.groups = [child]
    page = await pages.open(user)
    assert [each["config_entry_id"] for each in page.state["pbxs"]] == [made.entry_id]
    (mum,) = page.state["contacts"]
    assert (mum["name"], mum["number"]) == ("Mum", "")
    assert mum["button_entity_id"] == "button.mum"
    assert page.state["may"] == {
        "read": False,
        "dial": [],
        "call": [made.entry_id],
        "hang_up": [made.entry_id],
        "mark_seen": [],
    }
    await begin_call(hass, other)
    await page.expect_nothing()
