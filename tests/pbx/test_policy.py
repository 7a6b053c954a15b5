"""Tests of the dialling rules: which numbers, and how often."""

from collections.abc import Sequence
from dataclasses import replace
import string

from hypothesis import given, strategies as st
import pytest

from custom_components.pbx.countries import country_of
from custom_components.pbx.phone_number import InvalidNumberError
from custom_components.pbx.policy import (
    DiallingRules,
    History,
    Rule,
    parse_emergency_number,
    parse_outside_prefix,
    parse_pattern,
)

IRAN = country_of("IR")
RULES = DiallingRules(emergency=IRAN.emergency, country=IRAN)

digits = st.text(string.digits, min_size=1, max_size=15)
numbers = st.text(f"{string.digits}+*#", min_size=1, max_size=32)


def judge(rules: DiallingRules, number: str, *, is_contact: bool = False) -> str | None:
    """Return the rule against a number."""
    return rules.judge_number(number, is_contact=is_contact)


# --- Patterns ---


@pytest.mark.parametrize(
    ("pattern", "fits", "others"),
    [
        ("0912 345", ["0912345"], ["09123456", "912345", "0912346"]),
        ("0912*", ["0912", "09121234567"], ["0911", "091", "10912"]),
        ("????", ["1234", "0000"], ["123", "12345", "12*4", "+123"]),
        ("021????", ["0211234"], ["021123", "02112345", "0221234"]),
        ("??*", ["12", "123", "12#"], ["1", "*12"]),
        ("؟؟؟", ["101"], ["10"]),
        ("۱۰?", ["101", "109"], ["111"]),
        ("*", ["1", "+98", "*98#"], []),
        ("*98*", ["*98", "*981"], ["98", "198"]),
        ("**", ["*", "*1"], ["1"]),
        ("1*1", ["1*1"], ["111", "11"]),
        ("#31#", ["#31#"], ["31"]),
        # At home, a country's code is another way to write the trunk prefix.
        ("0912*", ["+98912", "0098912", "00980912", "+980912"], ["+49912", "98912"]),
        ("+98912*", ["0912", "00989121"], ["0913", "912"]),
        ("+98*", ["+98912", "0098912"], ["0049123", "0"]),
        ("+980*", ["+980912"], ["0049123", "0912", "101"]),
        ("+49*", ["+4930", "004930"], ["04930", "4930"]),
        ("00*", ["+49301", "0049301", "0098912"], ["+98912", "0912", "101"]),
        ("+*", ["+49301", "0049301", "+98912"], ["0912", "101"]),
    ],
)
def test_patterns(pattern: str, fits: list[str], others: list[str]) -> None:
    """A pattern fits what it says, and nothing else."""
    parsed = parse_pattern(pattern)
    forbidding = replace(RULES, forbidden=("000000", parsed), emergency=())
    allowing = replace(RULES, allowed=(parsed, "000000"), emergency=())

    for number in fits:
        assert judge(forbidding, number) is Rule.FORBIDDEN, number
        assert judge(allowing, number) is None, number
    for number in others:
        assert judge(forbidding, number) is None, number
        assert judge(allowing, number) is Rule.NOT_ALLOWED, number


def test_unknown_country() -> None:
    """Where nothing is known of the country, a plus sign is still two zeros."""
    rules = DiallingRules(forbidden=("0049*",))

    assert judge(rules, "+4930") is Rule.FORBIDDEN
    assert judge(rules, "0912") is None


@pytest.mark.parametrize("text", ["", " ", "-", "0912x", "?" * 33, "1\n", "0912,1"])
def test_no_pattern(text: str) -> None:
    """What is no pattern is refused."""
    with pytest.raises(InvalidNumberError):
        parse_pattern(text)


@pytest.mark.parametrize("text", ["1", "1234567", "+112", "11*", "police", ""])
def test_no_emergency_number(text: str) -> None:
    """Emergency numbers are short, and digits alone."""
    with pytest.raises(ValueError, match=r".+"):
        parse_emergency_number(text)


@pytest.mark.parametrize("text", ["12345", "+", "*9", "x", ""])
def test_no_outside_prefix(text: str) -> None:
    """So are prefixes."""
    with pytest.raises(ValueError, match=r".+"):
        parse_outside_prefix(text)


def test_parsed() -> None:
    """Spaces and other digits are read as those of numbers are."""
    assert parse_pattern(" +98 (912) ???-* ") == "+98912???*"
    assert parse_emergency_number("۱ ۱ ۰") == "110"
    assert parse_outside_prefix(" 9 ") == "9"


@given(numbers.filter(lambda number: not number.endswith("*")))
def test_number_is_its_own_pattern(number: str) -> None:
    """Every number fits itself and all of its beginnings."""
    for pattern in (number, f"{number}*", f"{number[: len(number) // 2]}*"):
        forbidding = replace(RULES, emergency=(), forbidden=(pattern,))
        assert judge(forbidding, number) is Rule.FORBIDDEN


@given(digits, digits)
def test_other_length_never_fits(one: str, other: str) -> None:
    """So many question marks are so many digits."""
    country_less = DiallingRules(emergency=(), forbidden=("?" * len(one),))

    assert (judge(country_less, other) is None) == (len(one) != len(other))


@given(numbers, st.lists(numbers, max_size=3), st.lists(numbers, max_size=3))
def test_decision(number: str, allowed: list[str], forbidden: list[str]) -> None:
    """A contact is allowed unless it is forbidden; others need to be allowed."""
    rules = replace(
        RULES, emergency=(), allowed=tuple(allowed), forbidden=tuple(forbidden)
    )
    as_contact = judge(rules, number, is_contact=True)
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

    def refused(number: str, *, is_contact: bool) -> Rule | None:
        return rules.judge_number(number, is_contact=is_contact, contacts_only=True)

    assert refused("0912123", is_contact=False) is Rule.CONTACTS_ONLY
    assert refused("0912123", is_contact=True) is None
    assert refused("0913123", is_contact=True) is None
    assert refused("0912912", is_contact=True) is Rule.FORBIDDEN
    assert refused("110", is_contact=True) is Rule.EMERGENCY


# --- Emergency numbers ---


@pytest.mark.parametrize(
    "number",
    [
        "110",
        "0110",
        "9110",
        "00110",
        "9 0 110".replace(" ", ""),
        "+110",
        "+98110",
        "0098110",
        "00980110",
        "98110",
        "90098110",
        "9+98110",
        "004900112",
        "0049112",
        "+49112",
        "*31#112",
        "#31#0112",
        "112#",
        "*112",
        "**110##",
        "911",
        "999",
        "0999",
    ],
)
def test_emergency(number: str) -> None:
    """Emergency numbers are blocked, whatever is dialled in front, contact or not."""
    assert judge(RULES, number, is_contact=True) is Rule.EMERGENCY


@pytest.mark.parametrize(
    "number",
    [
        "101",
        "200",
        "1100",
        "1110",
        "8110",
        "11",
        "09121234110",
        "02188880110",
        "+982188880110",
        # Numbers that begin as prefixes do.
        "900123112",
        "0113450112",
        # A mobile phone that begins like a heap of prefixes.
        "09900999110",
        "*98",
        "*31#09121234567",
        "1*10",
    ],
)
def test_no_emergency(number: str) -> None:
    """Other numbers are not, even those that end in one."""
    assert judge(RULES, number) is None


def test_exit_prefix() -> None:
    """Where other digits stand for the plus sign, they are known."""
    rules = DiallingRules(country=country_of("US"), forbidden=("+44*", "1900*"))

    assert judge(rules, "01144123") is Rule.FORBIDDEN
    assert judge(rules, "0044123") is Rule.FORBIDDEN
    assert judge(rules, "+19005551234") is Rule.FORBIDDEN
    assert judge(rules, "0114912345") is None
    assert judge(rules, "0111911") is Rule.EMERGENCY
    assert judge(rules, "901144999") is None
    assert judge(rules, "01144999") is Rule.EMERGENCY


def test_other_prefixes() -> None:
    """The prefixes are those of the PBX."""
    rules = replace(RULES, outside_prefixes=("7",))
    assert judge(rules, "7110") is Rule.EMERGENCY
    assert judge(rules, "9110") is None

    rules = replace(RULES, outside_prefixes=())
    assert judge(rules, "110") is Rule.EMERGENCY
    assert judge(rules, "9110") is None


def test_emergency_let_pass() -> None:
    """Without a list nothing is one."""
    assert judge(replace(RULES, emergency=()), "110") is None


@given(
    st.sampled_from(IRAN.emergency),
    st.sampled_from(["", *RULES.outside_prefixes]),
    st.sampled_from(["", "+", "00", "+98", "0098", "98"]),
    st.sampled_from(["", "0"]),
    st.sampled_from(["", "*31#", "#31#", "*"]),
    st.sampled_from(["", "#"]),
)
def test_emergency_behind_anything(
    number: str, outside: str, abroad: str, trunk: str, code: str, end: str
) -> None:
    """No mixture of what people dial in front hides one."""
    dialled = f"{code}{outside}{abroad}{trunk}{number}{end}"

    assert judge(RULES, dialled, is_contact=True) is Rule.EMERGENCY


@given(st.sampled_from(["02", "03", "091", "099", "+989", "+4930"]), digits)
def test_national_numbers_are_no_emergency(area: str, number: str) -> None:
    """A number of the telephone network is never taken for one."""
    assert not RULES.is_emergency(f"{area}{number:0>8}")


# --- How often ---


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

    assert rules.judge_load(active, History(), now=0) is rule


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

    assert rules.judge_load(0, calls, now=3599) is rule


@given(st.lists(st.floats(0, 20_000), max_size=60), st.integers(1, 10))
def test_never_more_within_an_hour(moments: list[float], limit: int) -> None:
    """Whenever calls are asked for, no hour has more than allowed."""
    rules = replace(RULES, calls_per_hour=limit)
    calls = History()
    placed: list[float] = []
    for now in sorted(moments):
        if rules.judge_load(0, calls, now) is None:
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
    calls.take_back(150, "200")
    calls.take_back(151, "200")

    assert calls.as_list(200) == [(100, "200")]


def test_doubted() -> None:
    """A call that may not have been placed counts for the hour until it is told."""
    rules = replace(RULES, calls_per_hour=2)
    calls = history((100, "200"), (150, "201"))
    calls.doubt(150, "201", until=180)
    assert rules.judge_load(0, calls, now=179) is Rule.PER_HOUR
    assert rules.judge_load(0, calls, now=180) is None
    assert calls.has_called("201", 60, now=180)
    again = History.from_list(calls.as_list(180))
    assert rules.judge_load(0, again, now=179) is Rule.PER_HOUR
    assert rules.judge_load(0, again, now=180) is None

    calls.believe(150, "201")
    calls.believe(150, "never doubted")
    assert rules.judge_load(0, calls, now=180) is Rule.PER_HOUR
    assert calls.as_list(200) == [(100, "200"), (150, "201")]


def test_few_are_doubted() -> None:
    """What is not known any more is not remembered as doubtful, either."""
    calls = History()
    for at in range(3000):
        calls.note(at, "200")
        calls.doubt(at, "200", until=at + 30)

    assert len(calls.as_list(3000)) == History.SIZE
    assert len(calls._doubted) <= History.SIZE  # noqa: SLF001 - nothing shows it


def test_stored() -> None:
    """A day's calls are kept, at most a thousand, in order."""
    calls = history(*((float(at), str(at)) for at in range(2000)))
    stored = calls.as_list(86_400 + 1500)

    assert stored[0] == (1501.0, "1501")
    assert stored[-1] == (1999.0, "1999")
    assert len(calls.as_list(2000)) == 1000
    assert History.from_list(stored).as_list(86_400 + 1500) == stored


@pytest.mark.parametrize("stored", [None, 5, [5], [["soon", "200"]], [[1, 2, 3]]])
def test_not_stored_by_us(stored: object) -> None:
    """What is no history is told."""
    with pytest.raises((TypeError, ValueError)):
        History.from_list(stored)  # type: ignore[arg-type]
