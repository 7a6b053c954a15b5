"""Browser tests: reloads, restarts, caches, and an update of the card's files."""

import asyncio

from playwright.async_api import Page, expect

from .house import CARD, GARDEN, MUM, House, Seat, view_of

# Names of the folders from which modules of ours were loaded.
FOLDERS = """
[...new Set(performance.getEntriesByType("resource")
  .map((each) => each.name.match(/pbx_static\\/(\\w+)/)?.[1]).filter(Boolean))]
"""


async def load_by_service_worker(seat: Seat) -> None:
    """Wait for Home Assistant's service worker, and let it serve the page."""
    await seat.page.evaluate("navigator.serviceWorker.ready.then(() => null)")
    await seat.page.reload()
    await expect(seat.contact("Mum")).to_be_visible()
    await seat.page.wait_for_function("navigator.serviceWorker.controller")


async def folders(page: Page) -> list[str]:
    """Return from where the page has loaded the modules of the card."""
    found: list[str] = await page.evaluate(FOLDERS)
    return found


async def test_a_call_survives_a_reload(house: House) -> None:
    """After a reload, the call that is on is there, and its timer goes on."""
    seat = await house.open()
    await seat.contact("Kitchen").click()
    await expect(seat.live).to_contain_text("Connected")
    await expect(seat.live.locator(".timer")).to_have_text("0:01")
    await seat.page.reload()
    await expect(seat.live).to_contain_text("Connected")
    await expect(seat.live.locator(".timer")).not_to_have_text("0:00")
    house.hang_up()
    await expect(seat.live).to_have_count(0)


async def test_the_card_survives_a_restart(house: House) -> None:
    """After a restart, a page that was open all the time shows and calls as before."""
    await house.miss()
    seat = await house.open()
    await expect(seat.badge).to_have_text("1")
    await seat.page.evaluate("window.wasOpen = true")
    restart = asyncio.ensure_future(house.home_assistant.restart())
    notice = seat.card.locator(".notice").first
    await expect(notice).to_have_text("Connection lost. Reconnecting…")
    await expect(seat.contact("Mum")).to_have_attribute("aria-disabled", "true")
    await restart
    await expect(notice).to_be_hidden()
    await expect(seat.badge).to_have_text("1")
    house.sandbox.incoming(MUM, GARDEN)
    await expect(seat.live).to_contain_text("Mum")
    house.hang_up()
    await expect(seat.badge).to_have_text("2")
    await seat.contact("Kitchen").click()
    await expect(seat.live).to_contain_text("Connected")
    assert await seat.page.evaluate("window.wasOpen")


async def test_caches(house: House) -> None:
    """The card is there with cold and warm caches, and is another after an update."""
    seat = await house.open(host="localhost")
    await expect(seat.contact("Mum")).to_be_visible()
    (old,) = await folders(seat.page)
    await load_by_service_worker(seat)
    assert await folders(seat.page) == [old]

    # The modules belong together: old and new ones would not load.
    names = ("pbx-phone-card.js", "words.js")
    card, words = (house.card_files / each for each in names)
    words.write_text(words.read_text() + '\nexport const NEWS = "new";\n')
    source = f'import {{ NEWS }} from "./words.js";\n{card.read_text()}'
    card.write_text(f"{source}\nwindow.news = NEWS;\n")
    await house.home_assistant.restart()
    # The page that was open goes on with what it has.
    house.sandbox.incoming(MUM, GARDEN)
    await expect(seat.live).to_contain_text("Mum")
    for _ in range(2):
        await seat.page.reload()
        await expect(seat.live).to_contain_text("Mum")
        assert await seat.page.evaluate("window.news") == "new"
        (new,) = await folders(seat.page)
        assert new != old


async def test_there_is_no_pbx(bare_house: House) -> None:
    """Without a PBX, the card says so; as soon as there is one, it is shown."""
    # Nothing loads the card in a house that never had a PBX.
    await bare_house.add_pbx()
    seat = await bare_house.open()
    await expect(seat.contact("Mum")).to_be_visible()
    await bare_house.remove_pbx()
    await expect(seat.card.get_by_text("No PBX has been added yet.")).to_be_visible()
    await expect(seat.contact("Mum")).to_be_hidden()
    await bare_house.add_pbx()
    await expect(seat.contact("Mum")).to_be_visible()


async def test_two_cards_share_one_feed(house: House) -> None:
    """Two cards of a page show the same; only one subscription is made for both."""
    now = {**CARD, "show": ["now"], "title": "Calls that are on"}
    await house.show(view_of(CARD, now))
    seat = await house.sit_down()
    sent: list[str] = []
    seat.page.on(
        "websocket",
        lambda socket: socket.on("framesent", lambda data: sent.append(str(data))),
    )
    await seat.open()
    await expect(seat.card).to_have_count(2)
    await seat.contact("Kitchen").click()
    await expect(seat.live).to_have_count(2)
    assert sum("pbx/subscribe" in each for each in sent) == 1
