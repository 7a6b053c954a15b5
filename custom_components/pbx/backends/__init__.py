"""The kinds of PBX.

A new kind is a package beside these, a line here, and its form in `flows.FORMS`.
Nothing in here imports Home Assistant: sessions, clocks and memory come from outside.
"""

from typing import Final

from .asterisk import ASTERISK
from .base import PbxKind
from .simotel import SIMOTEL

KINDS: Final[dict[str, PbxKind]] = {kind.id: kind for kind in (SIMOTEL, ASTERISK)}
"""By the id that stands in a config entry's data."""
