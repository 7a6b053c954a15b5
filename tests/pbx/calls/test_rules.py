"""Tests of the dialing rules: which numbers, and how often."""

from collections.abc import Sequence
from dataclasses import replace
import string
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.pbx.backends.base import CallRequest
from custom_components.pbx.backends.updates import CallState, CallUpdate
from custom_components.pbx.calls.call import Call
from custom_components.pbx.calls.number_plan import NumberPlan
from custom_components.pbx.calls.rules import (
    DialingRules,
    Facts,
    History,
    Origin,
    Refusal,
    Rule,
    check_number,
    check_numbers,
    check_request,
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

numbers = st.text(f"{string.digits}+*#", min_size=1, max_size=32)


def judge(rules: DialingRules, number: str, *, is_named: bool = False) -> str | None:
    """Return the rule against a number."""
    return check_number(number, rules, is_named=is_named)


# --- Which numbers ---


@pytest.mark.parametrize("text", ["1", "1234567", "+112", "11*", "police", ""])
def test_no_emergency_number(text: str) -> None:
    """Emergency numbers are short, and digits alone."""
    with pytest.raises(ValueError, match=r".+"):
        parse_emergency_number(text)


def test_parsed() -> None:
    """Spaces and other digits are read as those of numbers are."""
    assert parse_emergency_number("۱ ۱ ۰") == "110"


@given(numbers, st.lists(numbers, max_size=3), st.lists(numbers, max_size=3))
def test_decision(number: str, allowed: list[str], forbidden: list[str]) -> None:
    """A contact is allowed unless it is forbidden; others need to be allowed."""
    rules = replace(
        RULES,
        blocks_emergency=False,
        allowed=tuple(allowed),
        forbidden=tuple(forbidden),
    )
    as_contact = judge(rules, number, is_named=True)
    as_other = judge(rules, number)

    assert as_contact in {None, Rule.FORBIDDEN}
    assert as_other in {as_contact, Rule.NOT_ALLOWED}
    if not allowed:
        assert as_other == as_contact
    if not forbidden:
        assert as_contact is None


def test_contacts_only() -> None:
    """Who may call contacts only may call no other number, allowed or not."""
    rules = replace(RULES, allowed=("0912*",), forbidden=("09129*",))

    def refused(number: str, *, is_named: bool) -> Rule | None:
        return check_number(number, rules, is_named=is_named, contacts_only=True)

    assert refused("0912123", is_named=False) is Rule.CONTACTS_ONLY
    assert refused("0912123", is_named=True) is None
    assert refused("0913123", is_named=True) is None
    assert refused("0912912", is_named=True) is Rule.FORBIDDEN
    assert refused("110", is_named=True) is Rule.EMERGENCY


@pytest.mark.parametrize("number", ["110", "+98110", "555"])
def test_emergency(number: str) -> None:
    """Emergency numbers are blocked, contact or not, until the owner lifts it."""
    rules = replace(RULES, emergency=("555",))

    assert judge(rules, number, is_named=True) is Rule.EMERGENCY
    assert judge(replace(rules, blocks_emergency=False), number) is None


def test_allowed_and_forbidden() -> None:
    """What permits needs to be sure of a number, what forbids does not."""
    allowing = replace(RULES, allowed=("0912*",))
    forbidding = replace(RULES, forbidden=("0912*",))

    assert judge(allowing, "+989121234567") is None
    assert judge(allowing, "+989120") is Rule.NOT_ALLOWED
    assert judge(allowing, "9121234567") is Rule.NOT_ALLOWED
    assert judge(forbidding, "+989120") is Rule.FORBIDDEN
    assert judge(forbidding, "9121234567") is None


# --- Whose numbers ---


def facts(**known: Any) -> Facts:  # noqa: ANN401 - any field of the facts
    """Return what the rules go by."""
    fields = {
        "now": 1000.0,
        "calls": (),
        "history": History(),
        "can_follow": True,
        "is_named": lambda number: number == "0912",
        "default_caller": "101",
        **known,
    }
    return Facts(**fields)


GUEST = Origin(is_admin=False)


@pytest.mark.parametrize(
    ("origin", "caller", "callee", "rule"),
    [
        (Origin(), "101", "200", None),
        (GUEST, "101", "0912", None),
        (GUEST, "101", "200", Rule.CONTACTS_ONLY),
        (GUEST, "102", "0912", Rule.CONTACTS_ONLY),
        (GUEST, "0912", "0912", None),
        # Free for the default caller alone, and only as the caller.
        (GUEST, "101", "101", Rule.CONTACTS_ONLY),
        (GUEST, "101", "112", Rule.EMERGENCY),
    ],
)
def test_admins_only(
    origin: Origin, caller: str, callee: str, rule: Rule | None
) -> None:
    """Who is no administrator calls contacts only, from the default caller."""
    request = replace(REQUEST, caller=caller, callee=callee)
    rules = replace(RULES, admins_only=True)

    refusal = check_request(request, rules, origin, facts())
    assert (refusal and refusal.rule) is rule


@pytest.mark.parametrize("field", ["caller", "callee"])
def test_refused_number(field: str) -> None:
    """Both parties are checked; the refusal names which, and not the number."""
    rules = replace(RULES, forbidden=("0912*",))
    request = replace(REQUEST, **{field: "09121234567"})  # type: ignore[arg-type]
    expected = Refusal(Rule.FORBIDDEN, {"field": field, "number": "*********67"})

    assert check_numbers(request, rules, Origin(), facts()) == expected


# --- How often ---


def judge_load(
    rules: DialingRules,
    past: History,
    now: float,
    **known: Any,  # noqa: ANN401 - any field of the facts
) -> Rule | None:
    """Return the rule against one call more."""
    known = {"now": now, "history": past, **known}
    refusal = check_request(REQUEST, rules, Origin(), facts(**known))
    return None if refusal is None else refusal.rule


def open_calls(count: int, **changes: Any) -> list[Call]:  # noqa: ANN401 - any field of a call
    """Return calls that are on, since 1000 s."""
    fields = {"request": REQUEST, "began_at": 1000.0, "deadline": 9999.0, **changes}
    return [Call(**fields) for _ in range(count)]


def history(*calls: tuple[float, str]) -> History:
    """Return the history of some calls, the oldest first."""
    return History(calls)


@pytest.mark.parametrize(
    ("active", "limit", "rule"),
    [(4, 5, None), (5, 5, Rule.AT_ONCE), (6, 5, Rule.AT_ONCE), (999, 0, None)],
)
def test_at_once(active: int, limit: int, rule: Rule | None) -> None:
    """No more calls than allowed are on at a time; 0 is no limit."""
    rules = replace(RULES, calls_at_once=limit)

    calls = open_calls(active)
    assert judge_load(rules, History(), 1000, calls=calls) is rule


@pytest.mark.parametrize(
    ("changes", "can_follow", "after", "counts"),
    [
        ({}, True, 5000, True),
        # Nothing tells of its end: it rings, and talks for a minute.
        ({}, False, 89, True),
        ({}, False, 90, False),
        ({"request": replace(REQUEST, call_limit=120)}, False, 149, True),
        ({"request": replace(REQUEST, call_limit=120)}, False, 150, False),
        # It may not have been placed: its caller may ring.
        ({"is_uncertain": True}, True, 29, True),
        ({"is_uncertain": True}, True, 30, False),
        ({"is_requested": True, "is_uncertain": True}, False, 500, True),
        # Its end waits for a better one, or it is somebody else's.
        (
            {"provisional": CallUpdate(state=CallState.ENDED)},
            True,
            5,
            False,
        ),
        ({"request": None}, True, 5, False),
    ],
)
def test_what_counts_as_on(
    changes: dict[str, Any], can_follow: bool, after: float, counts: bool
) -> None:
    """A call counts while it may be on."""
    rules = replace(RULES, calls_at_once=1)
    calls = open_calls(1, **changes)
    rule = judge_load(
        rules, History(), 1000 + after, calls=calls, can_follow=can_follow
    )

    assert rule is (Rule.AT_ONCE if counts else None)


def test_escalation_has_one_call_on() -> None:
    """It does not wait for others to end, but what it costs is limited."""
    rules = replace(RULES, calls_at_once=1, calls_per_hour=2, cooldown=60)
    origin = Origin(began=1010)
    known = facts(now=1020, calls=open_calls(3), history=history((1010, "200")))
    assert check_request(REQUEST, rules, origin, known) is None
    known.history.note(1015, "200")
    refusal = check_request(REQUEST, rules, origin, known)
    assert refusal == Refusal(Rule.PER_HOUR, {"limit": "2"})


def test_cooldown() -> None:
    """The same callee is left in peace; who asks may say for how long."""
    rules = replace(RULES, cooldown=60)
    request = replace(REQUEST, callee="+989121234567")
    identity = RULES.plan.identity("09121234567")
    known = facts(now=1059, history=history((1000, identity)))

    refusal = check_request(request, rules, Origin(), known)
    assert refusal == Refusal(Rule.COOLDOWN, {"seconds": "60"})
    assert check_request(request, rules, Origin(cooldown=0), known) is None
    assert check_request(request, rules, Origin(cooldown=59), known) is None
    assert check_request(request, RULES, Origin(cooldown=60), known) is not None
    # An escalation says itself how often it calls somebody.
    assert check_request(request, rules, Origin(began=1000), known) is None


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
    """No more calls than allowed are placed within any hour; 0 is no limit."""
    rules = replace(RULES, calls_per_hour=limit)
    calls = history(*((at, "1") for at in times))

    assert judge_load(rules, calls, 3599) is rule


@given(st.lists(st.floats(0, 20_000), max_size=60), st.integers(1, 10))
def test_never_more_within_an_hour(moments: list[float], limit: int) -> None:
    """Whenever calls are asked for, no hour has more than allowed."""
    rules = replace(RULES, calls_per_hour=limit)
    calls = History()
    placed: list[float] = []
    for now in sorted(moments):
        if judge_load(rules, calls, now) is None:
            calls.note(now, "1")
            placed.append(now)

    assert all(
        sum(begin <= at < begin + 3600 for at in placed) <= limit for begin in placed
    )
    # And none was refused for nothing.
    assert len(placed) == _most(sorted(moments), limit)


def _most(moments: Sequence[float], limit: int) -> int:
    placed: list[float] = []
    for now in moments:
        if sum(now - at < 3600 for at in placed) < limit:
            placed.append(now)
    return len(placed)


def test_called() -> None:
    """Who was called is known for as long as it is asked for."""
    calls = history((100, "200"), (150, "201"))

    assert calls.has_called("200", 60, now=159)
    assert not calls.has_called("200", 60, now=160)
    assert not calls.has_called("202", 60, now=151)
    assert calls.has_called("201", 60, now=160)
    # What somebody does over and over on purpose began later.
    assert not calls.has_called("201", 60, now=160, until=150)
    assert calls.has_called("201", 60, now=160, until=150.5)


def test_taken_back() -> None:
    """A call that was not placed is none; one that is not known is no mistake."""
    calls = history((100, "200"), (150, "200"))
    calls.undo(150, "200")
    calls.undo(151, "200")

    assert calls.as_list(200) == [(100, "200")]


def restored(stored: Sequence[Sequence[Any]]) -> History:
    """Return the calls so far after a restart."""
    calls = History()
    for row in stored:
        calls.restore(row)
    return calls


def test_doubted() -> None:
    """A call that may not have been placed counts for the hour until it is told."""
    rules = replace(RULES, calls_per_hour=2)
    calls = history((100, "200"), (150, "201"))
    calls.mark_uncertain(150, "201", until=180)
    assert judge_load(rules, calls, 179) is Rule.PER_HOUR
    assert judge_load(rules, calls, 180) is None
    assert calls.has_called("201", 60, now=180)
    again = restored(calls.as_list(180))
    assert judge_load(rules, again, 179) is Rule.PER_HOUR
    assert judge_load(rules, again, 180) is None

    calls.believe(150, "201")
    calls.believe(150, "never doubted")
    assert judge_load(rules, calls, 180) is Rule.PER_HOUR
    assert calls.as_list(200) == [(100, "200"), (150, "201")]


def test_few_are_doubted() -> None:
    """What is not known anymore is not remembered as doubtful, either."""
    calls = History()
    for at in range(3000):
        calls.note(at, "200")
        calls.mark_uncertain(at, "200", until=at + 30)

    assert len(calls.as_list(3000)) == History.SIZE
    assert len(calls._doubted) <= History.SIZE  # noqa: SLF001 - nothing shows it


def test_stored() -> None:
    """A day's calls are kept, at most a thousand, in order."""
    calls = history(*((float(at), str(at)) for at in range(2000)))
    stored = calls.as_list(86_400 + 1500)

    assert stored[0] == (1501.0, "1501")
    assert stored[-1] == (1999.0, "1999")
    assert len(calls.as_list(2000)) == 1000
    assert restored(stored).as_list(86_400 + 1500) == stored


@pytest.mark.parametrize(
    "row", [None, 5, [], [5], ["soon", "200"], [1, 2, 3], [1, "2", "soon"], "text", {}]
)
def test_not_stored_by_us(row: object) -> None:
    """What is no call is told, and changes nothing."""
    calls = History()
    with pytest.raises((TypeError, ValueError)):
        calls.restore(row)  # type: ignore[arg-type]
    assert calls.as_list(1) == []
