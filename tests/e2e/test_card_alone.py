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

from playwright.async_api import Page, async_playwright, expect
import pytest

from .conftest import BROWSER_ARGUMENTS

ROOT = Path(__file__).parents[2]
TIMEOUT = 8_000


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


@pytest.fixture
async def card(site: str) -> AsyncIterator[Card]:
    """Return a card that is not opened yet."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"),
            args=BROWSER_ARGUMENTS,
        )
        context = await browser.new_context(viewport={"width": 400, "height": 800})
        context.set_default_timeout(TIMEOUT)
        card = Card(await context.new_page(), site)
        yield card
        await browser.close()
        assert card.errors == []


async def test_a_contact_is_called(card: Card) -> None:
    """One tap calls; a long press and the menu choose who rings, or announce."""
    await card.open(case="quiet")
    mum = card.page.get_by_role("button", name="Call \u2068Mum\u2069")
    await mum.click()
    usual = {
        "config_entry_id": "pbx1",
        "callee_contact": "mum",
        "caller_contact": "kitchen",
    }
    assert await card.actions() == [["originate", usual]]
    await mum.click(delay=700)
    dialog = card.page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Office").click()
    await expect(dialog).to_have_count(0)
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
            {
                "config_entry_id": "pbx1",
                "callee": "+982188881234",
                "caller_contact": "kitchen",
            },
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
    assert await card.actions() == [
        [
            "hang_up",
            {"config_entry_id": "pbx1", "caller": "102", "callee": "02188881234"},
        ]
    ]


async def test_a_change_redraws_one_row(card: Card) -> None:
    """A row is made once; focus and scroll position stay where they are."""
    await card.open(case="quiet", rows="60", tab="calls")
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


@pytest.mark.parametrize("language", ["en", "fa"])
@pytest.mark.parametrize("tab", ["contacts", "keypad", "calls"])
async def test_a_narrow_card(card: Card, language: str, tab: str) -> None:
    """Nothing is cut off at 320 pixels, and buttons are large enough."""
    await card.page.set_viewport_size({"width": 320, "height": 640})
    await card.open(lang=language, tab=tab)
    wide = await card.page.evaluate("""() => {
        const edge = document.documentElement.clientWidth;
        return [...card.shadowRoot.querySelectorAll("button, input, p")]
          .map((each) => each.getBoundingClientRect())
          .filter((box) => box.width && (box.left < 0 || box.right > edge)).length;
    }""")
    assert wide == 0
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
    await card.open(case="reader", tab="keypad")
    await expect(card.page.get_by_text("You may only call contacts")).to_be_visible()
    await expect(card.page.locator(".keypad")).to_be_hidden()
    await card.page.locator("#tab-contacts").click()
    await card.page.locator(".contacts .row").first.click(force=True)
    assert await card.actions() == []


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
    assert cards == ["markdown", "custom:pbx-phone-card", "custom:pbx-phone-card"]
