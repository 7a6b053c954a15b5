"""What a sandbox is made of: accounts, phones, trunks, and how it behaves."""

from collections.abc import Mapping
from dataclasses import dataclass
import re
from typing import Literal

type AuthMode = Literal["basic", "key", "both"]
type BehaviourName = Literal["answer", "busy", "no_answer", "unreachable", "decline"]
type Dates = Literal["jalali", "gregorian", "mongo"]
type Role = Literal["caller", "callee"]

PING = "/setting/ping/act"
ORIGINATE = "/call/originate/act"
REPORT = "/reports/cdr/ordered/id"
USERS = "/pbx/users/search"
TRUNKS = "/pbx/trunks/search"
IMPLEMENTED = (PING, ORIGINATE, REPORT, USERS, TRUNKS)

# What can be dialed.
NUMBER = re.compile(r"[0-9A-Za-z*#+_.-]{1,40}")

EVENT_NAMES = ("NewState", "IncomingCall", "OutgoingCall", "Cdr", "Ping")

# What a request must show, by the account's mode.
SHOWN: Mapping[AuthMode, tuple[str, ...]] = {
    "basic": ("username", "password"),
    "key": ("api_key",),
    "both": ("username", "password", "api_key"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """An API account, and what it may ask for."""

    username: str = ""
    password: str = ""
    api_key: str = ""
    mode: AuthMode = "both"
    permissions: tuple[str, ...] = IMPLEMENTED


@dataclass(frozen=True, kw_only=True, slots=True)
class Manner:
    """How somebody behaves whose phone rings.

    `after` is how many seconds the phone rings before that happens; a phone
    that answers no sooner than the call's timeout has not answered.
    """

    behaviour: BehaviourName = "answer"
    after: float = 2.0
    # Seconds of talk after which this party hangs up; None: it never does.
    hang_up_after: float | None = None
    # Seconds that a caller who has answered waits for the callee.
    gives_up_after: float | None = None


@dataclass(frozen=True, slots=True)
class Phone(Manner):
    """A phone: an extension, or an external number (`*` and `?` match any)."""

    number: str
    name: str = ""
    active: bool = True
    # How many calls it can take at once: an announcement takes many.
    lines: int = 1
    as_caller: Manner | None = None
    as_callee: Manner | None = None

    def manner(self, role: Role) -> Manner:
        """Return how it behaves in one of a call's two roles."""
        own = self.as_caller if role == "caller" else self.as_callee
        return own or self


@dataclass(frozen=True, slots=True)
class Trunk:
    """A line to the outside."""

    name: str
    active: bool = True


@dataclass(frozen=True, slots=True)
class Context:
    """An outgoing route, and the trunk it takes to external numbers."""

    name: str
    trunk: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportStyle:
    """How the call report is kept and shown."""

    dates: Dates = "jalali"
    numbers: Literal["strings", "numbers"] = "strings"
    # Whether an id that no row has can be asked from.
    accepts_unknown_cursor: bool = True
    # What `last_id` says on a page without rows.
    empty_last_id: Literal["cursor", "empty"] = "cursor"
    # How many rows of old calls there are from the start.
    history: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class EventPush:
    """Where events go, and what they look like."""

    url: str
    method: Literal["get", "post"] = "post"
    # g4 sends all to one address; rest4 appends the event's name to it.
    style: Literal["g4", "rest4"] = "g4"
    username: str = ""
    password: str = ""
    enabled: tuple[str, ...] = EVENT_NAMES
    with_originated_call_id: bool = True
    cdr_name: Literal["Cdr", "CDR"] = "Cdr"
    name_field: Literal["event_name", "event"] = "event_name"
    id_field: Literal["unique_id", "cuid"] = "unique_id"
    # upper: ANSWERED, NO ANSWER; title: Answered, No Answered.
    values: Literal["upper", "title"] = "upper"
    # numbers: phone numbers too are sent as such and lose a leading zero.
    numbers: Literal["strings", "numbers"] = "strings"
    dates: Literal["gregorian", "jalali"] = "gregorian"
    # For trying a receiver out: send each more than once, late, or not at all.
    copies: int = 1
    delay: float = 0.0
    drop: tuple[str, ...] = ()
    give_up_after: float = 5.0
    verify_ssl: bool = True
