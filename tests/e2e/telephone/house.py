"""A house with a PBX, people who are signed in to it, and their browsers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
import re
import shutil
from typing import Any, Self

from playwright.async_api import Browser, BrowserContext, Locator, Page

from sandbox import Phone, Sandbox, SandboxCall
from scripts.support.booted.browser import sign_in
from scripts.support.booted.client import Json
from scripts.support.booted.home_assistant import BootedHomeAssistant
from scripts.support.booted.login import Login
from scripts.support.booted.pbx import add_contact, add_pbx, connect_events
from scripts.support.machine import LOOPBACK, ROOT

PATIENCE = 30_000
"""Milliseconds that a slow machine may take for a page; what fails is seen sooner."""

MUM = "07700900118"
KITCHEN, GARDEN, DOOR = "101", "104", "106"
# Nobody hangs up: the tests do.
PHONES = (
    Phone(KITCHEN, "Kitchen", after=1),
    Phone(GARDEN, "Garden", behavior="no_answer"),
    Phone(DOOR, "Door station", after=0.3),
)
EXTERNAL = (Phone("*", after=0.3),)

# While Home Assistant restarts, it cannot load what its own pages are made of.
_FOREIGN = re.compile(
    "Failed to fetch dynamically imported module: .*/frontend_latest/"
)

ENTRIES = "/api/config/config_entries/entry"
DASHBOARD = "pbx-telephone"
CARD: Json = {"type": "custom:pbx-phone-card"}


def components(config_dir: Path) -> None:
    """Copy the integration into a configuration, where a test may change it."""
    shutil.copytree(
        ROOT / "custom_components",
        config_dir / "custom_components",
        ignore=shutil.ignore_patterns("__pycache__"),
    )


def view_of(*cards: Json) -> Json:
    """Return a dashboard that shows cards at their natural height."""
    return {"views": [{"title": "Home", "path": "home", "cards": list(cards)}]}


@dataclass
class Seat:
    """A page of a browser in which somebody is signed in."""

    context: BrowserContext
    page: Page
    errors: list[str] = field(default_factory=list)

    @classmethod
    async def take(
        cls,
        browser: Browser,
        url: str,
        tokens: Mapping[str, Any],
        *,
        language: str = "en",
        width: int = 1280,
    ) -> Self:
        """Open a browser that has visited nothing before."""
        context = await sign_in(browser, url, tokens, language=language, width=width)
        context.set_default_timeout(PATIENCE)
        return await cls.at(context)

    @classmethod
    async def at(cls, context: BrowserContext) -> Self:
        """Open another page of a browser."""
        seat = cls(context, await context.new_page())
        seat.page.on("pageerror", lambda error: seat._note(str(error)))
        return seat

    def _note(self, error: str) -> None:
        """Keep an error, unless it is a page of Home Assistant that is not there."""
        if not _FOREIGN.match(error):
            self.errors.append(error)

    @property
    def card(self) -> Locator:
        """The cards of the page."""
        return self.page.locator("pbx-phone-card")

    @property
    def live(self) -> Locator:
        """The calls that are on."""
        return self.card.locator(".live li")

    @property
    def rows(self) -> Locator:
        """The calls that have ended."""
        return self.card.locator(".calls .row")

    @property
    def badge(self) -> Locator:
        """The number of missed calls that nobody has looked at yet."""
        return self.card.locator(".tabs .badge")

    def button(self, name: str) -> Locator:
        """Return a button of the card by its name."""
        return self.card.get_by_role("button", name=name).first

    def contact(self, name: str) -> Locator:
        """Return what calls a contact."""
        return self.button(f"Call \u2068{name}\u2069")

    async def open(self, path: str = f"/{DASHBOARD}") -> None:
        """Open a page of Home Assistant."""
        await self.page.goto(path)

    async def open_tab(self, name: str) -> None:
        """Open a tab of the card."""
        await self.card.get_by_role("tab", name=name).click()


@dataclass
class House:
    """Home Assistant, a PBX, and a browser."""

    home_assistant: BootedHomeAssistant
    sandbox: Sandbox
    browser: Browser
    logins: dict[str, Login] = field(default_factory=dict)
    entry_id: str = ""
    seats: list[Seat] = field(default_factory=list)
    # Browsers that keep what they have loaded, by who uses them, and how.
    _browsers: dict[tuple[object, ...], BrowserContext] = field(default_factory=dict)

    async def add_user(self, name: str, group: str) -> None:
        """Add a user who may sign in."""
        command = self.home_assistant.client.command
        login = Login(name.lower(), "password")
        added = await command("config/auth/create", name=name, group_ids=[group])
        await command(
            "config/auth_provider/homeassistant/create",
            user_id=added["user"]["id"],
            username=login.username,
            password=login.password,
        )
        self.logins[name] = login

    async def add_pbx(self, **call_defaults: object) -> None:
        """Add the PBX with its phones, a contact, and its events."""
        entry = await add_pbx(
            self.home_assistant,
            self.sandbox,
            extensions=[KITCHEN, GARDEN, DOOR],
            **{"timeout": 30, **call_defaults},
        )
        self.entry_id = entry["entry_id"]
        await connect_events(self.home_assistant, self.sandbox, self.entry_id)
        await self.add_contact("Mum", MUM)

    async def add_contact(self, name: str, number: str, **fields: object) -> None:
        """Add somebody to the phone book, with other fields of its form."""
        who = {"name": name, "number": number}
        await add_contact(self.home_assistant, self.entry_id, **who, **fields)

    async def show(self, config: Json) -> None:
        """Save what the dashboard shows."""
        await self.home_assistant.client.command(
            "lovelace/config/save", url_path=DASHBOARD, config=config
        )

    async def sit_down(
        self,
        name: str = "",
        host: str = LOOPBACK,
        **options: Any,  # noqa: ANN401 - of a seat
    ) -> Seat:
        """Open a page for a user; by default for the one who set the house up."""
        key = (name, host, *sorted(options.items()))
        if (used := self._browsers.get(key)) is not None:
            seat = await Seat.at(used)
        else:
            tokens = self.home_assistant.token
            if name:
                tokens = await self.home_assistant.log_in(self.logins[name])
            url = self.home_assistant.url.replace(LOOPBACK, host)
            seat = await Seat.take(self.browser, url, tokens, **options)
            self._browsers[key] = seat.context
        self.seats.append(seat)
        return seat

    async def open(
        self,
        name: str = "",
        **options: Any,  # noqa: ANN401 - of a seat
    ) -> Seat:
        """Open the dashboard in a browser for a user."""
        seat = await self.sit_down(name, **options)
        await seat.open()
        return seat

    @property
    def card_files(self) -> Path:
        """The folder of the card's files, of which each start makes an address."""
        config_dir = self.home_assistant.log_path.parent
        return config_dir / "custom_components/pbx/frontend"

    def last_call(self) -> SandboxCall:
        """Return the newest call of the PBX."""
        return self.sandbox.calls[-1]

    def hang_up(self) -> None:
        """Let the newest call end."""
        self.sandbox.hang_up(self.last_call().id)

    async def miss(self, number: str = MUM) -> None:
        """Let somebody call, and give up."""
        self.sandbox.incoming(number, GARDEN)
        self.hang_up()

    async def unseen(self) -> str:
        """Return the state of *Missed calls*."""
        states = await self.home_assistant.states()
        return next(
            str(each["state"])
            for each in states
            if each["entity_id"].endswith("missed_calls")
        )

    async def clear(self) -> None:
        """Remove everything that a test has made."""
        for seat in self.seats:
            await seat.page.close()
        self.seats.clear()
        await self.remove_pbx()

    async def remove_pbx(self) -> None:
        """Remove the PBX, and with it what Home Assistant knows of its calls."""
        client = self.home_assistant.client
        for entry in await client.command("config_entries/get", domain="pbx"):
            await client.delete(f"{ENTRIES}/{entry['entry_id']}")
        self.entry_id = ""
