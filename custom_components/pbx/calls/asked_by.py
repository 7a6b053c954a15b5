"""Who had a call placed: a user, an automation, a voice, or a button."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

from homeassistant.auth.models import User
from homeassistant.core import Context, HomeAssistant, callback

from .running_automation import async_running_automation


class AskedByType(StrEnum):
    """What had a call placed."""

    USER = "user"
    AUTOMATION = "automation"
    SCRIPT = "script"
    VOICE = "voice"
    BUTTON = "button"


@dataclass(frozen=True, slots=True)
class AskedBy:
    """Who had a call placed.

    Attributes:
        type: what it was.
        user_id: of the user who did it; empty for an automation or a script.
        name: of that user, of the automation or of the script, at that time.
    """

    type: AskedByType
    user_id: str = ""
    name: str = ""

    def shown_to(self, user: User | None) -> dict[str, str | None]:
        """Return it for a user: only administrators see the names of other users.

        Args:
            user: None for Home Assistant itself.
        """
        is_private = bool(self.user_id) and user is not None and not user.is_admin
        is_shown = not is_private or (user is not None and user.id == self.user_id)
        return {"type": self.type.value, "name": (is_shown and self.name) or None}

    def as_dict(self) -> dict[str, str]:
        """Return it as JSON-serializable data for `from_dict`."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Return what was stored.

        Raises:
            KeyError, TypeError, ValueError: the data is not valid.
        """
        user_id, name = stored["user_id"], stored["name"]
        if not isinstance(user_id, str) or not isinstance(name, str):
            raise TypeError("A stored name is not a string")
        return cls(AskedByType(stored["type"]), user_id, name)


@callback
def async_asked_by(
    hass: HomeAssistant,
    user: User | None,
    context: Context | None,
    way: AskedByType = AskedByType.USER,
) -> AskedBy | None:
    """Return who has a call placed now; None if that is not known.

    Args:
        hass: Home Assistant.
        user: of the context.
        context: of the action, or of the press of the button.
        way: how a user does it, if no automation or script does.
    """
    running = async_running_automation(hass, context)
    if running is not None and running.domain in (
        AskedByType.AUTOMATION,
        AskedByType.SCRIPT,
    ):
        return AskedBy(AskedByType(running.domain), name=running.name)
    if user is None:
        return None if way is AskedByType.USER else AskedBy(way)
    return AskedBy(way, user.id, user.name or "")
