"""The supported kinds of PBX.

To add one, add a package to this directory, a line below, and a form to `flows.FORMS`.
Nothing in this package imports Home Assistant: sessions, clocks and memory are passed
in.
"""

from typing import Final

from .asterisk import ASTERISK
from .kind import PbxKind
from .simotel import SIMOTEL

KINDS: Final[dict[str, PbxKind]] = {kind.id: kind for kind in (SIMOTEL, ASTERISK)}
"""The kinds of PBX by their id in a config entry's data."""
