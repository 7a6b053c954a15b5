"""Tests of the dialing rules: allowed numbers and limits."""

from collections.abc import Sequence
from dataclasses import replace
import string
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.pbx.backends.announcement import Announcement, Audio
from custom_components.pbx.backends.base import CallRequest
from custom_components.pbx.backends.updates import CallState, CallUpdate
from custom_components.pbx.calls.call import Call
from custom_components.pbx.calls.number_plan import NumberPlan
from custom_components.pbx.calls.rules import (
    CallOrigin,
    DialingRules,
    History,
    Refusal,
    Rule,
    RuleInputs,
    check_number,
    check_numbers,
    check_request,
    has_place,
    rules_of,
)
from custom_components.pbx.flows.dialing_rules import parse_emergency_number

RULES = rules_of({}, NumberPlan(region="IR", internal_digits=5))
REQUEST = CallRequest(
    call_id="ha-1",
    caller="101",
    callee="200",
    context="main",
    timeout=30,
)
# 22 seconds: 10 seconds twice, and a pause after each.
SAID = Announcement(audio=Audio(bytes(320_000)))
WITH_SECOND = replace(SAID, connect_to="102")

numbers = st.text(f"{string.digits}+*#", min_size=1, max_size=32)


def rule_for(
    rules: DialingRules, number: str, *, in_phone_book: bool = False
) -> str | None:
    """Return the rule that refuses a number."""
    return check_number(number, rules, in_phone_book=in_phone_book)


# --- Numbers ---


def test_announcement() -> None:
    """The person who is called and the second party are checked, under their names."""
    rules = replace(RULES, forbidden=["102"])
    inputs = RuleInputs(
        now=0,
        calls=(),
        history=History(),
        can_follow=True,
        has_number=lambda _number: False,
        default_caller="102",
    )
    for announcement, number, field in (
        (SAID, "102", "callee"),
        (WITH_SECOND, "200", "connect_to"),
    ):
        request = replace(
            REQUEST, caller=number, callee=number, announcement=announcement
        )
        refusal = check_numbers(request, rules, CallOrigin(), inputs)
        assert refusal is not None
        assert refusal.placeholders["field"] == field


@pytest.mark.parametrize("text", ["1", "1234567", "+112", "11*", "police", ""])
def test_invalid_emergency_number(text: str) -> None:
    """Emergency numbers are short, and have only digits."""
    with pytest.raises(ValueError, match=r".+"):
        parse_emergency_number(text)


def test_parsed() -> None:
    """Spaces and other digits are parsed as in numbers."""
    assert parse_emergency_number("۱ ۱ ۰") == "110"


@given(numbers, st.lists(numbers, max_size=3), st.lists(numbers, max_size=3))
def test_decision(number: str, allowed: list[str], forbidden: list[str]) -> None:
    """A contact is allowed unless it is forbidden; other numbers must be allowed."""
    rules = replace(
        RULES,
        blocks_emergency=False,
        allowed=tuple(allowed),
        forbidden=tuple(forbidden),
    )
    as_contact = rule_for(rules, number, in_phone_book=True)
    as_other = rule_for(rules, number)

    assert as_contact in {None, Rule.FORBIDDEN}
    assert as_other in {as_contact, Rule.NOT_ALLOWED}
    if not allowed:
        assert as_other == as_contact
    if not forbidden:
        assert as_contact is None


def test_contacts_only() -> None:
    """With contacts only, no other number may be called, even an allowed one."""
    rules = replace(RULES, allowed=("0912*",), forbidden=("09129*",))

    def refused(number: str, *, in_phone_book: bool) -> Rule | None:
        return check_number(
            number, rules, in_phone_book=in_phone_book, contacts_only=True
        )

    assert refused("0912123", in_phone_book=False) is Rule.CONTACTS_ONLY
    assert refused("0912123", in_phone_book=True) is None
    assert refused("0913123", in_phone_book=True) is None
    assert refused("0912912", in_phone_book=True) is Rule.FORBIDDEN
    assert refused("110", in_phone_book=True) is Rule.EMERGENCY


@pytest.mark.parametrize("number", ["110", "+98110", "555"])
def test_emergency(number: str) -> None:
    """Emergency numbers are blocked, even for contacts, unless it is turned off."""
    rules = replace(RULES, emergency=("555",))

    assert rule_for(rules, number, in_phone_book=True) is Rule.EMERGENCY
    assert rule_for(replace(rules, blocks_emergency=False), number) is None


def test_allowed_and_forbidden() -> None:
    """Only an equal form of a number is permitted, but any form is forbidden."""
    allowing = replace(RULES, allowed=("0912*",))
    forbidding = replace(RULES, forbidden=("0912*",))

    assert rule_for(allowing, "+989121234567") is None
    assert rule_for(allowing, "+989120") is Rule.NOT_ALLOWED
    assert rule_for(allowing, "9121234567") is Rule.NOT_ALLOWED
    assert rule_for(forbidding, "+989120") is Rule.FORBIDDEN
    assert rule_for(forbidding, "9121234567") is None


# --- Origins ---


def inputs(**known: Any) -> RuleInputs:  # noqa: ANN401 - any field of the inputs
    """Return the inputs of the rules."""
    fields = {
        "now": 1000.0,
        "calls": (),
        "history": History(),
        "can_follow": True,
        "has_number": lambda number: number == "0912",
        "default_caller": "101",
        **known,
    }
    return RuleInputs(**fields)


GUEST = CallOrigin(is_admin=False)


@pytest.mark.parametrize(
    ("origin", "caller", "callee", "rule"),
    [
        (CallOrigin(), "101", "200", None),
        (GUEST, "101", "0912", None),
        (GUEST, "101", "200", Rule.CONTACTS_ONLY),
        (GUEST, "102", "0912", Rule.CONTACTS_ONLY),
        (GUEST, "0912", "0912", None),
        # Only the default caller is allowed, and only as the caller.
        (GUEST, "101", "101", Rule.CONTACTS_ONLY),
        (GUEST, "101", "112", Rule.EMERGENCY),
    ],
)
def test_admins_only(
    origin: CallOrigin, caller: str, callee: str, rule: Rule | None
) -> None:
    """Users who are not administrators call contacts only, from the default caller."""
    request = replace(REQUEST, caller=caller, callee=callee)
    rules = replace(RULES, admins_only=True)

    refusal = check_request(request, rules, origin, inputs())
    assert (refusal and refusal.rule) is rule


@pytest.mark.parametrize("field", ["caller", "callee"])
def test_refused_number(field: str) -> None:
    """Both numbers are checked; the refusal has the field, but not the number."""
    rules = replace(RULES, forbidden=("0912*",))
    request = replace(REQUEST, **{field: "09121234567"})  # type: ignore[arg-type]
    expected = Refusal(Rule.FORBIDDEN, {"field": field, "number": "*********67"})

    assert check_numbers(request, rules, CallOrigin(), inputs()) == expected


# --- Limits ---


def limit_for(
    rules: DialingRules,
    past: History,
    now: float,
    **known: Any,  # noqa: ANN401 - any field of the inputs
) -> Rule | None:
    """Return the rule that refuses another call."""
    known = {"now": now, "history": past, **known}
    refusal = check_request(REQUEST, rules, CallOrigin(), inputs(**known))
    return None if refusal is None else refusal.rule


def open_calls(count: int, **changes: Any) -> list[Call]:  # noqa: ANN401 - any field of a call
    """Return calls that are active since 1000 s."""
    fields = {"request": REQUEST, "began_at": 1000.0, "deadline": 9999.0, **changes}
    return [Call(**fields) for _ in range(count)]


def history(*calls: tuple[float, str]) -> History:
    """Return a history of calls, oldest first."""
    return History(calls)


@pytest.mark.parametrize(
    ("active", "limit", "rule"),
    [(4, 5, None), (5, 5, Rule.AT_ONCE), (6, 5, Rule.AT_ONCE), (999, 0, None)],
)
def test_concurrent_calls(active: int, limit: int, rule: Rule | None) -> None:
    """No more concurrent calls are placed than allowed; 0 is no limit."""
    rules = replace(RULES, calls_at_once=limit)

    calls = open_calls(active)
    assert limit_for(rules, History(), 1000, calls=calls) is rule


@pytest.mark.parametrize(
    ("changes", "can_follow", "after", "counts"),
    [
        ({}, True, 5000, True),
        # Its end is not reported: it counts for its ring time and a minute of talk.
        ({}, False, 89, True),
        ({}, False, 90, False),
        ({"request": replace(REQUEST, call_limit=120)}, False, 149, True),
        ({"request": replace(REQUEST, call_limit=120)}, False, 150, False),
        # An announcement has its length, and a second party may talk after it.
        ({"request": replace(REQUEST, announcement=SAID)}, False, 51, True),
        ({"request": replace(REQUEST, announcement=SAID)}, False, 52, False),
        (
            {"request": replace(REQUEST, announcement=SAID, call_limit=120)},
            False,
            52,
            False,
        ),
        (
            {"request": replace(REQUEST, announcement=WITH_SECOND, call_limit=120)},
            False,
            171,
            True,
        ),
        (
            {"request": replace(REQUEST, announcement=WITH_SECOND, call_limit=120)},
            False,
            172,
            False,
        ),
        # It may not have been placed: its caller may be ringing.
        ({"is_uncertain": True}, True, 29, True),
        ({"is_uncertain": True}, True, 30, False),
        ({"is_requested": True, "is_uncertain": True}, False, 500, True),
        # It has a provisional end, or we did not place it.
        (
            {"provisional": CallUpdate(state=CallState.ENDED)},
            True,
            5,
            False,
        ),
        ({"request": None}, True, 5, False),
    ],
)
def test_active_calls(
    changes: dict[str, Any], can_follow: bool, after: float, counts: bool
) -> None:
    """A call counts while it may be active."""
    rules = replace(RULES, calls_at_once=1)
    calls = open_calls(1, **changes)
    rule = limit_for(rules, History(), 1000 + after, calls=calls, can_follow=can_follow)

    assert rule is (Rule.AT_ONCE if counts else None)


def test_escalation_has_one_active_call() -> None:
    """An escalation has one call at a time, but the hourly limit still applies."""
    rules = replace(RULES, calls_at_once=1, calls_per_hour=2, cooldown=60)
    origin = CallOrigin(escalation_began=1010, is_in_turn=True)
    known = inputs(now=1020, calls=open_calls(3), history=history((1010, "200")))
    assert check_request(REQUEST, rules, origin, known) is None
    known.history.record(1015, "200")
    refusal = check_request(REQUEST, rules, origin, known)
    assert refusal == Refusal(Rule.PER_HOUR, {"limit": "2"})


def test_released_calls() -> None:
    """Calls that were released leave their place; only one at a time needs none."""
    rules = replace(RULES, calls_at_once=1)
    (call,) = calls = open_calls(1)
    origin, in_turn = CallOrigin(), CallOrigin(is_in_turn=True)
    assert not has_place(rules, origin, inputs(now=1001, calls=calls))
    assert has_place(rules, in_turn, inputs(now=1001, calls=calls))
    call.is_released = True
    assert has_place(rules, origin, inputs(now=1001, calls=calls))


def test_cooldown() -> None:
    """The cooldown applies to the same callee; the action may override it."""
    rules = replace(RULES, cooldown=60)
    request = replace(REQUEST, callee="+989121234567")
    identity = RULES.plan.identity("09121234567")
    known = inputs(now=1059, history=history((1000, identity)))

    refusal = check_request(request, rules, CallOrigin(), known)
    assert refusal == Refusal(Rule.COOLDOWN, {"seconds": "60"})
    assert check_request(request, rules, CallOrigin(cooldown=0), known) is None
    assert check_request(request, rules, CallOrigin(cooldown=59), known) is None
    assert check_request(request, RULES, CallOrigin(cooldown=60), known) is not None
    # The calls of an escalation itself do not count.
    assert (
        check_request(request, rules, CallOrigin(escalation_began=1000), known) is None
    )


@pytest.mark.parametrize(
    ("times", "limit", "rule"),
    [
        ([], 1, None),
        ([1000], 1, Rule.PER_HOUR),
        ([1000], 2, None),
        ([0, 1000], 2, Rule.PER_HOUR),
        ([0, 1000], 3, None),
        ([-1, 1000], 2, None),
        ([-1000, -500, -1, 1000], 2, None),
        ([0] * 100, 0, None),
        # The clock was set back by a little, and by much.
        ([3601], 1, Rule.PER_HOUR),
        ([90_000], 1, None),
    ],
)
def test_per_hour(times: list[float], limit: int, rule: Rule | None) -> None:
    """No more calls are placed within any hour than allowed; 0 is no limit."""
    rules = replace(RULES, calls_per_hour=limit)
    calls = history(*((at, "1") for at in times))

    assert limit_for(rules, calls, 3599) is rule


@given(st.lists(st.floats(0, 20_000), max_size=60), st.integers(1, 10))
def test_never_more_within_an_hour(moments: list[float], limit: int) -> None:
    """At any times, no hour has more calls than allowed."""
    rules = replace(RULES, calls_per_hour=limit)
    calls = History()
    placed: list[float] = []
    for now in sorted(moments):
        if limit_for(rules, calls, now) is None:
            calls.record(now, "1")
            placed.append(now)

    assert all(
        sum(begin <= at < begin + 3600 for at in placed) <= limit for begin in placed
    )
    # No call was refused without need.
    assert len(placed) == _most(sorted(moments), limit)


def _most(moments: Sequence[float], limit: int) -> int:
    placed: list[float] = []
    for now in moments:
        if sum(now - at < 3600 for at in placed) < limit:
            placed.append(now)
    return len(placed)


def test_has_recent_call() -> None:
    """A callee is known for as long as the cooldown asks."""
    calls = history((100, "200"), (150, "201"))

    assert calls.has_recent_call("200", 60, now=159)
    assert not calls.has_recent_call("200", 60, now=160)
    assert not calls.has_recent_call("202", 60, now=151)
    assert calls.has_recent_call("201", 60, now=160)
    # The repeated calls of an escalation began later.
    assert not calls.has_recent_call("201", 60, now=160, until=150)
    assert calls.has_recent_call("201", 60, now=160, until=150.5)


def test_undo() -> None:
    """A removed call does not count; removing an unknown one is not an error."""
    calls = history((100, "200"), (150, "200"))
    calls.undo(150, "200")
    calls.undo(151, "200")

    assert calls.as_list(200) == [(100, "200")]


def restored(stored: Sequence[Sequence[Any]]) -> History:
    """Return the history after a restart."""
    calls = History()
    for row in stored:
        calls.restore(row)
    return calls


def test_uncertain_until() -> None:
    """An uncertain call counts for the hourly limit until it is confirmed."""
    rules = replace(RULES, calls_per_hour=2)
    calls = history((100, "200"), (150, "201"))
    calls.mark_uncertain(150, "201", until=180)
    assert limit_for(rules, calls, 179) is Rule.PER_HOUR
    assert limit_for(rules, calls, 180) is None
    assert calls.has_recent_call("201", 60, now=180)
    again = restored(calls.as_list(180))
    assert limit_for(rules, again, 179) is Rule.PER_HOUR
    assert limit_for(rules, again, 180) is None

    calls.confirm(150, "201")
    calls.confirm(150, "never uncertain")
    assert limit_for(rules, calls, 180) is Rule.PER_HOUR
    assert calls.as_list(200) == [(100, "200"), (150, "201")]


def test_uncertain_calls_are_forgotten() -> None:
    """Uncertain calls that are no longer in the history are forgotten."""
    calls = History()
    for at in range(3000):
        calls.record(at, "200")
        calls.mark_uncertain(at, "200", until=at + 30)

    assert len(calls.as_list(3000)) == History.SIZE
    assert len(calls._uncertain_until) <= History.SIZE  # noqa: SLF001 - nothing shows it


def test_stored() -> None:
    """The calls of a day are kept, at most a thousand, in order."""
    calls = history(*((float(at), str(at)) for at in range(2000)))
    stored = calls.as_list(86_400 + 1500)

    assert stored[0] == (1501.0, "1501")
    assert stored[-1] == (1999.0, "1999")
    assert len(calls.as_list(2000)) == 1000
    assert restored(stored).as_list(86_400 + 1500) == stored


@pytest.mark.parametrize(
    "row", [None, 5, [], [5], ["soon", "200"], [1, 2, 3], [1, "2", "soon"], "text", {}]
)
def test_invalid_stored_row(row: object) -> None:
    """An invalid row is an error, and changes nothing."""
    calls = History()
    with pytest.raises((TypeError, ValueError)):
        calls.restore(row)  # type: ignore[arg-type]
    assert calls.as_list(1) == []
