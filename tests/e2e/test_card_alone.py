"""Tests of the card in a browser, without Home Assistant: a page with a fake `hass`."""

from collections.abc import AsyncIterator, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
import json
import os
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlencode

from playwright.async_api import Browser, Page, async_playwright, expect
import pytest
import pytest_asyncio

from .conftest import BROWSER_ARGUMENTS

ROOT = Path(__file__).parents[2]
TIMEOUT = 8_000

pytestmark = pytest.mark.asyncio(loop_scope="module")


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves the repository without a line for each request."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Print nothing."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """Return the address of a server of the repository's files."""
    handler = partial(QuietHandler, directory=str(ROOT))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/tests/frontend/page.html"
        server.shutdown()


class Card:
    """The card on the page, and what a test does with it."""

    def __init__(self, page: Page, site: str) -> None:
        """Keep the page and the address of the card's page."""
        self.page = page
        self.site = site
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    async def open(self, **query: str) -> None:
        """Open the card; see page.js for the query."""
        await self.page.goto(f"{self.site}?{urlencode(query)}")
        await self.page.wait_for_function("window.card?.shadowRoot.querySelector('li')")

    async def actions(self) -> list[list[Any]]:
        """Return name and data of the actions that were called."""
        calls: list[list[Any]] = await self.page.evaluate("hass.calls")
        return [call[1:3] for call in calls]

    async def send(self, expression: str) -> None:
        """Let the server send a message."""
        await self.page.evaluate(f"connection.send({expression})")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Return a browser for all tests here."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"),
            args=BROWSER_ARGUMENTS,
        )
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def card(browser: Browser, site: str) -> AsyncIterator[Card]:
    """Return a card that is not opened yet, in a profile of its own."""
    context = await browser.new_context(viewport={"width": 400, "height": 800})
    context.set_default_timeout(TIMEOUT)
    card = Card(await context.new_page(), site)
    yield card
    await context.close()
    assert card.errors == []


async def test_a_contact_is_called(card: Card) -> None:
    """One tap calls; a long press and the menu choose who rings, or announce."""
    await card.open(case="quiet")
    mum = card.page.get_by_role("button", name="Call \u2068Mum\u2069")
    await mum.click()
    # Who rings first is left to the PBX: the contact may have a caller of its own.
    usual = {"config_entry_id": "pbx1", "callee_contact": "mum"}
    assert await card.actions() == [["originate", usual]]
    await mum.click(delay=700)
    dialog = card.page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Office").click()
    await expect(dialog).to_have_count(0)
    await card.page.wait_for_function("hass.calls.length === 2")
    assert (await card.actions())[1] == [
        "originate",
        {**usual, "caller_contact": "office"},
    ]
    await card.page.get_by_role("button", name="Options for \u2068Mum\u2069").press(
        "Enter"
    )
    await dialog.get_by_role("button", name="Announce").click()
    await dialog.get_by_role("textbox").fill("Dinner is ready")
    await dialog.get_by_role("button", name="Send").click()
    await expect(dialog).to_have_count(0)
    assert (await card.actions())[2:] == [
        [
            "announce",
            {
                "config_entry_id": "pbx1",
                "callee_contact": "mum",
                "message": "Dinner is ready",
            },
        ]
    ]
    # The phone that is called does not call itself: another one is chosen.
    await card.page.get_by_role("button", name="Call \u2068Kitchen\u2069").click()
    await expect(dialog.get_by_role("button", name="Kitchen")).to_have_count(0)
    await card.page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    assert len(await card.actions()) == 3


async def test_a_picture_is_shown(card: Card) -> None:
    """The picture of a person takes the place of the initials when it is loaded."""
    await card.open(case="quiet")
    shown = card.page.locator(".contacts img:visible")
    await expect(shown).to_have_count(0)
    svg = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'/%3E"
    for picture, count in ((svg, 1), ("/gone.png", 0)):
        person = {"person.mum": {"attributes": {"entity_picture": picture}}}
        states = f"{{...hass.states, ...{json.dumps(person)}}}"
        await card.page.evaluate(f"card.hass = {{...hass, states: {states}}}")
        await expect(shown).to_have_count(count)


async def test_a_number_is_confirmed(card: Card) -> None:
    """The keypad takes keys, what is pasted, and Enter; other numbers are confirmed."""
    await card.open(case="quiet", tab="keypad")
    pad = card.page.get_by_role("group", name="Keypad")
    for key in "12*#":
        await pad.get_by_role("button", name=key, exact=True).click()
    field = card.page.get_by_label("Number")
    await expect(field).to_have_value("12*#")
    await pad.get_by_role("button", name="Delete").click()
    await expect(field).to_have_value("12*")
    await pad.get_by_role("button", name="0", exact=True).click(delay=700)
    await expect(field).to_have_value("12*+")
    await field.fill("tel: +98 (21) ۸۸۸۸-1234 abc")
    await expect(field).to_have_value("+982188881234")
    await field.press("Enter")
    dialog = card.page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Cancel").click()
    await expect(dialog).to_have_count(0)
    assert await card.actions() == []
    await pad.get_by_role("button", name="Call").click()
    await dialog.get_by_role("button", name="Call").click()
    await expect(dialog).to_have_count(0)
    assert await card.actions() == [
        [
            "originate",
            {"config_entry_id": "pbx1", "callee": "+982188881234"},
        ]
    ]
    # An empty field brings the last number back.
    await field.fill("")
    await pad.get_by_role("button", name="Call").click()
    await expect(field).to_have_value("+982188881234")


async def test_a_name_is_text(card: Card) -> None:
    """A caller whose name is HTML is shown with that name."""
    await card.open(tab="calls")
    name = card.page.get_by_text("<img src=x onerror=")
    await expect(name.first).to_be_visible()
    await card.send("""{type: "row", row: row({id: "new", state: "ringing_callee",
        ended_at: null, name: "<img src=x onerror=\\"document.title='HACKED'\\">"})}""")
    await expect(card.page.locator(".live .coming")).to_have_count(2)
    assert (
        await card.page.evaluate("""[...card.shadowRoot.querySelectorAll("img")]
        .filter((each) => each.getAttribute("src") === "x").length""")
        == 0
    )
    assert await card.page.title() == "Telephone card"


async def test_nothing_is_dialed_while_editing(card: Card) -> None:
    """Neither in the preview nor in edit mode."""
    await card.open()
    for name in ("preview", "editMode"):
        await card.page.evaluate(f"card.{name} = true")
        await card.page.locator(".contacts .row").first.click(force=True)
        await card.page.locator(".hang-up:visible").first.click(force=True)
        await card.page.evaluate(f"card.{name} = false")
    assert await card.actions() == []
    await card.page.locator(".hang-up:visible").first.click()
    wanted = {"config_entry_id": "pbx1", "originated_call_id": "talk"}
    assert await card.actions() == [["hang_up", wanted]]


async def test_nothing_is_dialed_in_the_dialog_of_cards(card: Card) -> None:
    """It tells the card of no preview, but lets no touch through; keys may come."""
    await card.open(case="quiet")
    await card.page.evaluate("document.body.style.pointerEvents = 'none'")
    await card.page.locator(".contacts .row").first.press("Enter")
    await card.page.locator("#tab-calls").press("Enter")
    await card.page.get_by_role("button", name="Missed").first.press("Enter")
    assert await card.actions() == []


async def test_a_call_is_hung_up_where_the_pbx_can(card: Card) -> None:
    """The server says which; that one is ended, also if it came in."""
    await card.open()
    buttons = card.page.locator(".hang-up:visible")
    await expect(buttons).to_have_count(1)
    await card.send("""{type: "row", row: {...connection.first.rows[0],
        may_hang_up: true}}""")
    await expect(buttons).to_have_count(2)
    await buttons.first.click()
    wanted = {"config_entry_id": "pbx1", "originated_call_id": "in"}
    assert await card.actions() == [["hang_up", wanted]]
    await card.send("""{...connection.first, rows: connection.first.rows.map(
        (each) => ({...each, may_hang_up: false}))}""")
    await expect(buttons).to_have_count(0)


async def test_a_double_click_acts_once(card: Card) -> None:
    """What is under the second click may be something else: a dialog, or a contact."""
    await card.open(case="full")
    mum = card.page.get_by_role("button", name="Call \u2068Mum\u2069")
    await mum.dblclick()
    assert [name for name, _ in await card.actions()] == ["originate"]
    await card.page.evaluate("card.setConfig({confirm: 'always'})")
    dialog = card.page.get_by_role("dialog")
    await mum.click()
    answer = await dialog.get_by_role("button", name="Call").bounding_box()
    await dialog.get_by_role("button", name="Cancel").click()
    await expect(dialog).to_have_count(0)
    assert answer is not None
    # The answer comes to stand where a contact stood.
    await card.page.evaluate(
        """(y) => {
          const row = card.shadowRoot.querySelector(".contacts .row");
          row.closest(".card").style.position = "relative";
          row.closest(".card").style.top = `${y - row.getBoundingClientRect().y}px`;
        }""",
        answer["y"],
    )
    await card.page.mouse.dblclick(answer["x"] + 9, answer["y"] + 20)
    await expect(dialog).to_have_count(1)
    await dialog.get_by_role("button", name="Cancel").click()
    await expect(dialog).to_have_count(0)
    assert [name for name, _ in await card.actions()] == ["originate"]
    await card.page.evaluate("card.setConfig({confirm: 'never'})")
    await card.page.get_by_role("tab", name="Keypad").click()
    await card.page.locator(".round.call").dblclick()
    await expect(card.page.locator(".digits")).not_to_have_value("")
    await card.page.locator(".key").first.dblclick()
    await expect(card.page.locator(".digits")).to_have_value("0218888123411")
    assert [name for name, _ in await card.actions()] == ["originate"]


async def test_a_key_that_is_held_down_does_not_answer(card: Card) -> None:
    """The question that it brings stays."""
    await card.open(case="quiet", config='{"confirm": "always"}')
    await card.page.locator(".contacts .row").first.focus()
    for _ in range(3):
        await card.page.keyboard.down("Enter")
    await card.page.keyboard.up("Enter")
    await expect(card.page.get_by_role("dialog")).to_have_count(1)
    assert await card.actions() == []


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ('{"config_entry_id": "gone"}', "The PBX of this card does not exist"),
        ('{"contacts": ["Nobody"]}', "The contacts of this card do not exist"),
    ],
)
async def test_what_the_card_is_set_to_is_gone(
    card: Card, config: str, words: str
) -> None:
    """It does not say that nothing has been added yet."""
    await card.open(case="quiet")
    await card.page.evaluate(f"card.setConfig({config})")
    await expect(card.page.locator(".empty:visible")).to_contain_text(words)


async def test_nothing_selected_is_everything(card: Card) -> None:
    """An editor whose parts are all cleared leaves an empty list."""
    await card.open(case="quiet", config='{"show": []}')
    await expect(card.page.get_by_role("tab")).to_have_count(3)
    await expect(card.page.get_by_text("No active calls.")).to_be_hidden()


async def test_who_may_not_mark_missed_calls_as_seen_does_not_ask(card: Card) -> None:
    """They are the whole house's: control of contacts is not enough."""
    await card.open(case="quiet", tab="calls")
    await card.send("""{...connection.first,
        may: {...connection.first.may, mark_seen: [], dial: []}}""")
    await card.page.get_by_role("button", name="Missed").first.click()
    await card.page.locator(".row.unseen").click()
    assert [name for name, _ in await card.actions()] == ["originate"]


async def test_a_change_redraws_one_row(card: Card) -> None:
    """A row is made once; focus and scroll position stay where they are."""
    await card.open(case="quiet", rows="500", tab="calls")
    await card.page.evaluate("""() => {
        const rows = card.shadowRoot.querySelectorAll(".calls .row");
        rows[5].focus();
        window.focused = card.shadowRoot.activeElement;
        window.changed = new Set();
        const list = card.shadowRoot.querySelector(".calls");
        new MutationObserver((records) => {
          for (const { target, addedNodes } of records)
            for (const node of target === list ? addedNodes : [target])
              changed.add((node.closest ? node : node.parentElement).closest("li"));
        }).observe(list, { childList: true, subtree: true, attributes: true,
                           characterData: true });
    }""")
    await card.send("""{type: "row", row: row({id: "brand-new", name: "Dora",
        started_at: ago(1)})}""")
    await expect(card.page.get_by_text("Dora")).to_be_visible()
    assert await card.page.evaluate("changed.size") == 1
    assert await card.page.evaluate("focused === card.shadowRoot.activeElement")
    await card.send("""{type: "row", row: row({id: "brand-new", name: "Dora",
        started_at: ago(1), missed: true, seen: false})}""")
    await expect(card.page.locator(".row.missed", has_text="Dora")).to_be_visible()
    assert await card.page.evaluate("changed.size") == 1
    await card.send('{type: "removed", id: "brand-new"}')
    await expect(card.page.get_by_text("Dora")).to_have_count(0)
    assert await card.page.evaluate("focused === card.shadowRoot.activeElement")


async def test_a_phone_redraws_one_contact(card: Card) -> None:
    """What a phone does changes its row only, and is said in words, too."""
    await card.open(case="quiet")
    await card.page.evaluate("""() => {
        window.changed = new Set();
        new MutationObserver((records) => {
          for (const { target } of records)
            changed.add((target.closest ? target : target.parentElement).closest("li"));
        }).observe(card.shadowRoot.querySelector(".contacts"), {
          childList: true, subtree: true, attributes: true, characterData: true });
    }""")
    await card.send(
        '{type: "extension", contact: "kitchen", extension_state: "ringing"}'
    )
    kitchen = card.page.get_by_role("button", name="Call \u2068Kitchen\u2069")
    await expect(kitchen).to_have_accessible_name(
        "Call \u2068Kitchen\u2069, 101, Ringing"
    )
    assert await card.page.evaluate("changed.size") == 1
    # A state of another entity of the house changes nothing.
    await card.page.evaluate("""card.hass = {...hass, states: {"light.a": {}}}""")
    assert await card.page.evaluate("changed.size") == 1


async def test_missed_calls_are_seen_by_a_touch(card: Card) -> None:
    """Looking at them is not enough; opening *Missed* is."""
    await card.open(case="quiet", tab="calls")
    await expect(card.page.locator(".unseen")).to_be_visible()
    assert await card.actions() == []
    await card.page.get_by_role("button", name="Missed").first.click()
    assert await card.actions() == [
        ["mark_missed_calls_seen", {"config_entry_id": "pbx1"}]
    ]
    # The red row calls back.
    await card.page.locator(".row.unseen").click()
    assert (await card.actions())[-1][0] == "originate"


async def test_older_calls_are_read_at_the_end(card: Card) -> None:
    """The list reads on while its end is in view."""
    await card.open(case="quiet", rows="60", tab="calls")
    await card.page.evaluate("""connection.page = {has_more: false,
        rows: [row({id: "older", name: "Ancestor", started_at: ago(90000)})]}""")
    assert not any(
        each["type"] == "pbx/calls"
        for each in await card.page.evaluate("connection.sent")
    )
    await card.page.locator(".panel .end").scroll_into_view_if_needed()
    await expect(card.page.get_by_text("Ancestor")).to_have_count(1)
    # Where a filter leaves little, pages are read until the list is full or at its end.
    await card.page.evaluate("""() => {
        let left = 3;
        connection.sendMessagePromise = async (message) => {
          connection.sent.push(message);
          left -= 1;
          return {has_more: left > 0, rows: [row({id: `p${left}`, missed: !left,
            name: `Page ${left}`, started_at: ago(100000 - left)})]};
        };
        connection.send({...connection.first, rows: connection.first.rows.slice(-50)
          .map((each) => ({...each, missed: false}))});
    }""")
    await card.page.get_by_role("button", name="Missed").first.click()
    await expect(card.page.get_by_text("Page 0")).to_be_visible()


async def test_a_failure_is_told(card: Card) -> None:
    """The message of a failed action is shown, and read aloud."""
    await card.open(case="quiet", fails="1")
    await card.page.locator(".contacts .row").last.click()
    alert = card.page.locator("[role=alert].error")
    await expect(alert).to_contain_text("The number is not allowed")
    await alert.get_by_role("button").click()
    await expect(alert).to_be_hidden()


async def test_the_connection_is_lost_and_comes_back(card: Card) -> None:
    """Buttons are off meanwhile."""
    await card.open(lost="1")
    await expect(card.page.get_by_text("Connection lost")).to_be_visible()
    await card.page.locator(".contacts .row").first.click(force=True)
    assert await card.actions() == []
    await card.page.evaluate('connection.fire("ready")')
    await expect(card.page.get_by_text("Connection lost")).to_be_hidden()
    await card.page.locator(".contacts .row").first.click()
    assert len(await card.actions()) == 1


@pytest.mark.parametrize(("language", "key"), [("en", "Right"), ("fa", "Left")])
async def test_tabs_by_keyboard(card: Card, language: str, key: str) -> None:
    """Arrow keys go on in the direction of reading."""
    await card.open(lang=language, tab="contacts")
    await card.page.keyboard.press(f"Arrow{key}")
    await expect(card.page.locator("#tab-keypad")).to_be_focused()
    await expect(card.page.locator("#panel-keypad")).to_be_visible()
    await expect(card.page.locator("#panel-contacts")).to_be_hidden()


@pytest.mark.parametrize(
    ("width", "height", "layout"),
    [
        (400, 700, "tabbed"),
        (400, 1500, "stacked"),
        (1280, 700, "beside"),
    ],
)
async def test_parts_by_the_room_there_is(
    card: Card, width: int, height: int, layout: str
) -> None:
    """Tabs where it is low; parts with a title each where there is room for all."""
    await card.page.set_viewport_size({"width": width, "height": height})
    await card.open(case="quiet", layout="grid")
    parts = card.page.locator(".panel:visible")
    await expect(parts).to_have_count(1 if layout == "tabbed" else 3)
    await expect(card.page.get_by_role("tablist")).to_have_count(
        int(layout == "tabbed")
    )
    await expect(card.page.get_by_role("heading", level=2)).to_have_text(
        [] if layout == "tabbed" else ["Contacts", "Keypad", "Calls"]
    )
    # All keys are there without scrolling, a low card's, too.
    if layout == "tabbed":
        await card.page.locator("#tab-keypad").click()
    await expect(card.page.locator(".pad .call")).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("language", ["en", "fa"])
async def test_a_narrow_card(card: Card, language: str) -> None:
    """Nothing is cut off at 320 pixels, and buttons are large enough."""
    await card.page.set_viewport_size({"width": 320, "height": 640})
    await card.open(lang=language)
    for tab in ("contacts", "keypad", "calls"):
        await card.page.locator(f"#tab-{tab}").click()
        await is_narrow(card)


async def is_narrow(card: Card) -> None:
    """Check that all that is shown fits."""
    wide = await card.page.evaluate("""() => {
        const edge = document.documentElement.clientWidth;
        return [...card.shadowRoot.querySelectorAll("button, input, p")]
          .map((each) => each.getBoundingClientRect())
          .filter((box) => box.width && (box.left < 0 || box.right > edge)).length;
    }""")
    assert wide == 0
    scrolls = await card.page.evaluate("""[document.documentElement,
        ...card.shadowRoot.querySelectorAll(".parts, .scroll, .now, .panel")]
        .filter((each) => each.scrollWidth > each.clientWidth).length""")
    assert scrolls == 0
    small = await card.page.evaluate("""[...card.shadowRoot.querySelectorAll("button")]
        .map((each) => each.getBoundingClientRect())
        .filter((box) => box.width && (box.width < 44 || box.height < 44)).length""")
    assert small == 0


@pytest.mark.parametrize(
    ("case", "text"),
    [
        ("no_pbx", "No PBX has been added"),
        ("starting", "The PBX is starting"),
        ("empty", "No contacts yet"),
        ("reader", "You do not have permission to call"),
    ],
)
async def test_what_is_missing_is_said(card: Card, case: str, text: str) -> None:
    """No part of the card is empty without a word."""
    await card.page.goto(f"{card.site}?case={case}")
    await expect(card.page.get_by_text(text)).to_be_visible()


async def test_who_may_not_read_or_dial(card: Card) -> None:
    """The log says so, and there is no keypad."""
    await card.open(case="blind", tab="calls")
    await expect(card.page.get_by_text("permission to see calls")).to_be_visible()
    await card.page.evaluate('card.setConfig({show: ["now"]})')
    await expect(card.page.get_by_text("permission to see calls")).to_be_visible()
    await card.open(case="reader")
    await expect(card.page.locator("#tab-keypad")).to_be_hidden()
    await expect(card.page.get_by_role("button", name="Options")).to_have_count(0)
    await card.page.locator(".contacts .row").first.click(force=True)
    # A touch on missed calls says nothing, and asks nothing of the PBX.
    await card.page.locator("#tab-calls").click()
    await card.page.locator(".calls .row.unseen").click(force=True)
    await card.page.get_by_role("button", name="Missed").first.click()
    await expect(card.page.locator(".calls .row.unseen")).to_be_visible()
    await expect(card.page.locator(".error")).to_be_hidden()
    assert await card.actions() == []
    await card.page.evaluate('card.setConfig({show: ["keypad"]})')
    await expect(card.page.get_by_text("You may only call contacts")).to_be_visible()
    await expect(card.page.locator(".keypad")).to_be_hidden()


async def test_a_search_finds_digits(card: Card) -> None:
    """Names and numbers are found."""
    await card.open(case="quiet")
    await card.page.get_by_role("searchbox").fill("4455")
    await expect(card.page.locator(".contacts li")).to_have_count(1)
    await card.page.get_by_role("searchbox").fill("nobody")
    await expect(card.page.get_by_text("No contact found")).to_be_visible()


async def test_a_bad_configuration_is_refused(card: Card) -> None:
    """Home Assistant shows the message in place of the card."""
    await card.open()
    for config in ({"show": ["dial"]}, {"confirm": "perhaps"}, {"contacts": "Mum"}):
        message = await card.page.evaluate(f"""() => {{
            try {{ card.setConfig({json.dumps(config)}); }}
            catch (error) {{ return error.message; }}
        }}""")
        assert message.startswith(next(iter(config)))


async def test_what_home_assistant_asks_for(card: Card) -> None:
    """The form, the sizes, the suggestion, and the dashboard."""
    await card.open(lang="fa")
    evaluate = card.page.evaluate
    assert await evaluate("customCards.map(({type, name}) => [type, name])") == [
        ["pbx-phone-card", "تلفن"]
    ]
    assert await evaluate("customStrategies.map(({type}) => type)") == ["pbx-telephone"]
    form = await evaluate("""() => {
        const form = card.constructor.getConfigForm();
        return form.schema.map((item) => [item.name, form.computeLabel(item)]);
    }""")
    assert dict(form)["confirm"] == "پرسش پیش از تماس"
    assert (await evaluate("card.getGridOptions()"))["min_columns"] == 6
    suggestions = await evaluate("""() => {
        const fake = {
          entities: {"sensor.a": {platform: "pbx", device_id: "d"},
                     "sensor.b": {platform: "mqtt"}},
          devices: {d: {config_entries: ["pbx1"]}}};
        const [{getEntitySuggestion: suggest}] = customCards;
        return ["sensor.a", "sensor.b", "x.y"].map((id) => suggest(fake, id));
    }""")
    wanted = {"type": "custom:pbx-phone-card", "config_entry_id": "pbx1"}
    assert suggestions == [{"config": wanted}, None, None]
    views = await evaluate("""customElements.get("ll-strategy-dashboard-pbx-telephone")
        .generate({}, {...hass, devices: {}, entities: {}})""")
    cards = [
        card["type"]
        for section in views["views"][0]["sections"]
        for card in section["cards"]
    ]
    assert cards == ["heading", "custom:pbx-phone-card"]
