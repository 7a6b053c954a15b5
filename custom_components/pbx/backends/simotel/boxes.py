"""The components in the dialplan that ask what to do: boxes, as the panel draws them.

Source: Simotel's documents of the Smart API component.
"""

from collections.abc import Mapping
from enum import StrEnum
import re
from typing import Any, Final, NamedTuple, Self

from .fields import Fields

KEY: Final = "key"
"""The name of the second box, as the documentation has it drawn."""

_NO_KEYS: Final = re.compile(r"[^0-9*#A-D]")
_END: Final = "#"


class Boxes(StrEnum):
    """Which boxes are drawn: the values of the option."""

    SAY = "say"
    SAY_KEY = "say_key"
    SAY_KEY_CONNECT = "say_key_connect"


class SpeechSetup(NamedTuple):
    """What is drawn in the dialplan for announcements.

    Attributes:
        number: that leads to the first box; empty if nothing is drawn.
        boxes: which are drawn.
        installation: a secret that is unique to the config entry, after which its
            sounds are named.
    """

    number: str = ""
    boxes: Boxes = Boxes.SAY_KEY
    installation: str = ""

    @property
    def has_key_box(self) -> bool:
        """Whether a second box asks what follows."""
        return self.boxes is not Boxes.SAY

    @property
    def can_connect(self) -> bool:
        """Whether the second box can call another number."""
        return self.boxes is Boxes.SAY_KEY_CONNECT

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """Return what the settings of a config entry say."""
        boxes = settings.get("speech_boxes") or Boxes.SAY_KEY
        return cls(
            number=str(settings.get("speech_number") or ""),
            boxes=Boxes(boxes),
            installation=str(settings.get("webhook_id") or ""),
        )


NO_SPEECH: Final = SpeechSetup()
"""Of a PBX without announcements."""


class BoxRequest(NamedTuple):
    """A request of a box.

    Attributes:
        call_id: the PBX's id of the call request; empty if it is missing.
        name: of the box.
        keys: that the person has pressed, without the `#` at their end.
        is_silent: whether no key was pressed at all.
        unique_id: of the conversation; empty if it is missing.
    """

    call_id: str
    name: str
    keys: str
    is_silent: bool
    unique_id: str


def is_question(fields: Mapping[str, object]) -> bool:
    """Return whether a request to the webhook is one of a box, and not an event.

    Events of an originated call carry its id as well.
    """
    if fields.get("event_name") or fields.get("event"):
        return False
    if "app_name" in fields:
        return True
    return "originated_call_id" in fields and "disposition" not in fields


def parse_request(fields: Mapping[str, object]) -> BoxRequest:
    """Parse a request of a box. Never raises."""
    named = Fields(fields)
    typed = _NO_KEYS.sub("", named.text("data"))
    return BoxRequest(
        call_id=named.text("originated_call_id"),
        name=named.text("app_name"),
        keys=typed.removesuffix(_END),
        is_silent=not typed,
        unique_id=named.text("unique_id"),
    )
