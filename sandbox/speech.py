"""Data model of what is drawn in the dialplan for speech, and of the announcements."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

type AnswerType = Literal["definite_answer", "answer", "progress"]
type BoxRole = Literal["say", "key"]

# What an output can lead to, beside another box: nothing, and a call to the number of
# `SetExten`.
HANG_UP = "hang_up"
DIAL = "dial"
# The output of a box after an error.
ERROR = "e"
# The name of a box that the owner did not rename.
DEFAULT_APP_NAME = "Extension API"


@dataclass(frozen=True, slots=True)
class Box:
    """A Smart API box: its name, and where each of its outputs leads."""

    name: str
    # The cases, and `e`. An output that is not wired ends the call.
    outputs: Mapping[str, str] = field(default_factory=dict)


def _say() -> Box:
    return Box("say", {"next": "key", "done": HANG_UP, ERROR: "key"})


def _key() -> Box:
    return Box("key", {"done": HANG_UP, "connect": DIAL, ERROR: HANG_UP})


@dataclass(frozen=True, kw_only=True, slots=True)
class Speech:
    """An outgoing route to an Answer box and one or two Smart API boxes.

    The first fields are what the owner sets; the others are what the documents of
    Simotel leave open.
    """

    number: str
    context: str = "main_routing"
    # Both give sound except progress. Only definite_answer is an answer in the report.
    answer: AnswerType = "definite_answer"
    # Web service that the boxes ask.
    url: str
    method: Literal["get", "post"] = "post"
    say: Box = field(default_factory=_say)
    key: Box | None = field(default_factory=_key)
    # Seconds that a box waits for a response.
    give_up_after: float = 1.0
    verify_ssl: bool = True
    # How often a box asks the same, and how often it asks again without a response.
    copies: int = 1
    retries: int = 0
    # HTTP Basic, unless empty.
    username: str = ""
    password: str = ""
    # `own`: the name of the box; `default`: the same for all boxes.
    app_names: Literal["own", "default"] = "own"
    with_unique_id: bool = True
    with_originated_call_id: bool = True
    # Whether an OutgoingCall event is sent when the caller has answered.
    with_outgoing_call: bool = True
    # Type of `ok` that the boxes accept.
    ok: Literal["any", "string", "number"] = "any"
    # GetData without a key: the next command, or an error.
    no_key: Literal["next", "error"] = "next"
    # Whether the # that ends GetData is part of the data.
    keeps_hash: bool = False
    # SayDigit takes a whole number: whether leading zeros are spoken.
    leading_zeros: Literal["lost", "kept"] = "lost"
    # `person`: the report and the boxes have the person as `dst`, and not as `src`.
    dst: Literal["number", "person"] = "number"
    # What the report says of an Answer box of the type `answer`.
    answer_reports: Literal["no_answer", "answered"] = "no_answer"

    def box(self, role: BoxRole) -> Box | None:
        """Return a box, or None if it is not drawn."""
        return self.say if role == "say" else self.key

    @property
    def is_heard(self) -> bool:
        """Whether the caller hears sounds."""
        return self.answer != "progress"

    @property
    def is_answered(self) -> bool:
        """Whether the report has the call as answered."""
        if self.answer == "answer":
            return self.answer_reports == "answered"
        return self.answer == "definite_answer"


@dataclass(frozen=True, kw_only=True, slots=True)
class AnnouncementStyle:
    """What the documents of Simotel leave open about announcements."""

    # Whether two announcements can have the same name.
    unique_names: bool = False
    # Name of the ID in the body of update and remove.
    id_field: Literal["any", "_id", "id_"] = "any"
    # What a sound without `id:` in a command is.
    names: Literal["name", "filename"] = "name"
    # Seconds after add until a search finds it, and until it can be played.
    listed_after: float = 0.0
    playable_after: float = 0.0
    # Sounds of the PBX itself that Playback plays, and their lengths in seconds.
    sounds: Mapping[str, float] = field(
        default_factory=lambda: {"hello-world": 1.5, "thank-you": 1.0}
    )
