"""What the sentences of voice cost a house, by how many contacts it has.

Home Assistant compares every sentence that is said with those of all sentence triggers,
and reads their templates in its event loop: when the first sentence is said after they
have changed.
"""

from collections.abc import Callable
from functools import partial
import itertools
from time import thread_time

from hassil.intents import Intents
from hassil.recognize import recognize_all

from custom_components.pbx.voice.sentences import templates

from .ratios import turns

NONE = "no contacts"
SIZES = (3, 100, 300)
LANGUAGES = ("en", "fa")

_FIRST = {
    "en": [
        "Anna",
        "Bernard",
        "Christine",
        "Daniel",
        "Eleanor",
        "Frank",
        "Grace",
        "Henry",
        "Ida",
        "José",
    ],
    "fa": [
        "امیر",
        "بهرام",
        "پروین",
        "حسین",
        "داریوش",
        "زهرا",
        "سارا",
        "علی",
        "کیوان",
        "یاسمن",
    ],
}
_LAST = {
    "en": [
        "Baker",
        "Cooper",
        "Fischer",
        "Garcia",
        "Hill",
        "Jones",
        "Kelly",
        "Lopez",
        "Moore",
        "Nolan",
    ],
    "fa": [
        "احمدی",
        "باقری",
        "تهرانی",
        "جعفری",
        "رضایی",
        "شریفی",
        "کریمی",
        "محمدی",
        "نوری",
        "یزدانی",
    ],
}
_CALL = {"en": "call {}", "fa": "به {} زنگ بزن"}
_OTHER = "turn on the lights in the living room"
# One of the house's own automations.
_OWN = ["good night [everybody]"]
_PHONES = ["Kitchen", "101", "Office", "102"]


def name_of(size: int) -> str:
    """Return what a house with so many contacts is called in the table."""
    return f"{size} contacts"


def names(language: str, size: int) -> list[str]:
    """Return so many names, and a number for each."""
    pairs = itertools.product(_FIRST[language], _LAST[language], ("", " 2", " 3"))
    found = [f"{first} {last}{rest}" for first, last, rest in pairs][:size]
    return found + [str(200 + number) for number in range(len(found))]


def build(language: str, size: int) -> Intents:
    """Return the sentences of a house, read."""
    ours = templates(language, names(language, size), _PHONES) if size else []
    data = [{"sentences": [*_OWN, *ours]}]
    intents = Intents.from_dict(
        {"language": language, "intents": {"trigger": {"data": data}}}
    )
    list(recognize_all("", intents))
    return intents


def measure(rounds: int) -> dict[str, dict[str, list[float]]]:
    """Return the seconds of each round, by what is done and in which house.

    Of the processor: nothing of it waits.
    """
    found: dict[str, dict[str, list[float]]] = {}
    for language in LANGUAGES:
        houses = {NONE: 0, **{name_of(size): size for size in SIZES}}
        built = {house: build(language, size) for house, size in houses.items()}
        called = _CALL[language].format(names(language, SIZES[0])[0])
        actions = {
            f"Another sentence ({language})": partial(_recognize, built, _OTHER),
            f"A call ({language})": partial(_recognize, built, called),
            f"A rebuild ({language})": partial(_rebuild, houses, language),
        }
        for what, action in actions.items():
            found[what] = _measured(action, tuple(houses), rounds)
    return found


def _recognize(built: dict[str, Intents], text: str, house: str) -> None:
    list(recognize_all(text, built[house]))


def _rebuild(houses: dict[str, int], language: str, house: str) -> None:
    build(language, houses[house])


def _measured(
    action: Callable[[str], object], houses: tuple[str, ...], rounds: int
) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {house: [] for house in houses}
    for number in range(rounds + 1):
        for house in turns(houses, number):
            began = thread_time()
            action(house)
            if number:
                seconds[house].append(thread_time() - began)
    return seconds
