"""Data model of the sandbox's configuration: accounts, phones, trunks, styles."""

from collections.abc import Mapping
from dataclasses import dataclass
import re
from typing import Literal

type AuthMode = Literal["basic", "key", "both"]
type BehaviorName = Literal["answer", "busy", "no_answer", "unreachable", "decline"]
type Dates = Literal["jalali", "gregorian", "mongo"]
type Role = Literal["caller", "callee"]

PING = "/setting/ping/act"
ORIGINATE = "/call/originate/act"
REPORT = "/reports/cdr/ordered/id"
USERS = "/pbx/users/search"
TRUNKS = "/pbx/trunks/search"
UPLOAD = "/pbx/announcements/upload"
ADD = "/pbx/announcements/add"
SEARCH = "/pbx/announcements/search"
UPDATE = "/pbx/announcements/update"
REMOVE = "/pbx/announcements/remove"
IMPLEMENTED = (
    PING,
    ORIGINATE,
    REPORT,
    USERS,
    TRUNKS,
    UPLOAD,
    ADD,
    SEARCH,
    UPDATE,
    REMOVE,
)
# Requests that change something: a fault can withhold them.
CHANGES = frozenset({ORIGINATE, UPLOAD, ADD, UPDATE, REMOVE})

# Numbers that can be dialed.
NUMBER = re.compile(r"[0-9A-Za-z*#+_.-]{1,40}")

EVENT_NAMES = ("NewState", "IncomingCall", "OutgoingCall", "Cdr", "Ping")

# Credentials that a request needs, by the mode of the account.
SHOWN: Mapping[AuthMode, tuple[str, ...]] = {
    "basic": ("username", "password"),
    "key": ("api_key",),
    "both": ("username", "password", "api_key"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """An API account, and the requests that it is allowed to make."""

    username: str = ""
    password: str = ""
    api_key: str = ""
    mode: AuthMode = "both"
    permissions: tuple[str, ...] = IMPLEMENTED


@dataclass(frozen=True, kw_only=True, slots=True)
class Manner:
    """How a phone reacts to a call.

    `after` is the ring time in seconds before the reaction; a phone that does not
    answer before the call's timeout has not answered.
    """

    behavior: BehaviorName = "answer"
    after: float = 2.0
    # Seconds of talk after which this party hangs up; None: never.
    hang_up_after: float | None = None
    # Seconds that a caller who has answered waits for the callee; None: forever.
    gives_up_after: float | None = None


@dataclass(frozen=True, slots=True)
class Phone(Manner):
    """A phone: an extension, or an external number (wildcards: `*` and `?`)."""

    number: str
    name: str = ""
    active: bool = True
    # Maximum concurrent calls; an announcement has many.
    lines: int = 1
    as_caller: Manner | None = None
    as_callee: Manner | None = None
    # Keys that it presses when an announcement asks for keys, and the seconds from its
    # beginning until then; None: from its end, after a pause in seconds.
    keys: str = ""
    keys_at: float | None = None
    keys_after: float = 0.0

    def manner(self, role: Role) -> Manner:
        """Return its behavior as the caller or the callee."""
        own = self.as_caller if role == "caller" else self.as_callee
        return own or self


@dataclass(frozen=True, slots=True)
class Trunk:
    """A trunk to external numbers."""

    name: str
    active: bool = True


@dataclass(frozen=True, slots=True)
class Context:
    """An outgoing route, and its trunk for external numbers."""

    name: str
    trunk: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportStyle:
    """Format of the call report."""

    dates: Dates = "jalali"
    numbers: Literal["strings", "numbers"] = "strings"
    # Whether the report can be read from an ID that no row has.
    accepts_unknown_cursor: bool = True
    # Value of `last_id` on a page without rows.
    empty_last_id: Literal["cursor", "empty"] = "cursor"
    # Number of rows of past calls at the start.
    history: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class EventPush:
    """Target and format of events."""

    url: str
    method: Literal["get", "post"] = "post"
    # g4: all events to the same URL; rest4: the name of the event is appended.
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
    # numbers: phone numbers are also sent as numbers, and lose leading zeros.
    numbers: Literal["strings", "numbers"] = "strings"
    dates: Literal["gregorian", "jalali"] = "gregorian"
    # To test a receiver: send duplicates, delay events, or drop them.
    copies: int = 1
    delay: float = 0.0
    drop: tuple[str, ...] = ()
    give_up_after: float = 5.0
    verify_ssl: bool = True
