"""Tests of comparing numbers and matching patterns."""

import string

from hypothesis import assume, example, given, strategies as st
import phonenumbers
import pytest

from custom_components.pbx.calls.number import parse_pattern
from custom_components.pbx.calls.number_plan import NumberPlan, load_numbering_plans

digits = st.text(string.digits, min_size=1, max_size=15)
numbers = st.from_regex(r"\A\+?[0-9*#]{1,31}\Z")
regions = st.sampled_from([*sorted(phonenumbers.SUPPORTED_REGIONS), "XX", None])


def plan(region: str | None = "IR", internal_digits: int = 5) -> NumberPlan:
    """Return the numbering plan of a PBX."""
    return NumberPlan(region=region, internal_digits=internal_digits)


IRAN = plan()


def test_load() -> None:
    """The plans can be loaded, also without a country."""
    load_numbering_plans("IR")
    load_numbering_plans("XX")
    load_numbering_plans(None)


# --- Identity ---


@pytest.mark.parametrize(
    ("region", "identity", "written"),
    [
        ("IR", "+989121234567", ["09121234567", "+989121234567", "00989121234567"]),
        ("IR", "+442079460000", ["+442079460000", "00442079460000"]),
        ("GB", "+442079460000", ["02079460000", "+442079460000", "00442079460000"]),
        ("DE", "+49301234567", ["0301234567", "+49301234567", "0049301234567"]),
        ("ES", "+34911234567", ["911234567", "+34911234567", "0034911234567"]),
        ("IT", "+390612345678", ["0612345678", "+390612345678", "00390612345678"]),
        ("MX", "+525512345678", ["5512345678", "+525512345678", "00525512345678"]),
        ("SG", "+6561234567", ["61234567", "+6561234567", "0016561234567"]),
        ("HU", "+3612345678", ["0612345678", "+3612345678", "003612345678"]),
        ("RU", "+74951234567", ["84951234567", "+74951234567", "81074951234567"]),
        ("JP", "+81312345678", ["0312345678", "+81312345678", "01081312345678"]),
        ("AU", "+61291234567", ["0291234567", "+61291234567", "001161291234567"]),
        *(
            (
                region,
                "+12125551234",
                ["2125551234", "12125551234", "+12125551234", "01112125551234"],
            )
            for region in ("US", "CA")
        ),
    ],
)
def test_same_number(region: str, identity: str, written: list[str]) -> None:
    """All forms of a valid number have the same identity."""
    assert {plan(region).identity(number) for number in written} == {identity}
    assert all(plan(region).is_same(identity, number) for number in written)


@pytest.mark.parametrize(
    ("region", "others"),
    [
        # Without the zero, the plus sign or both.
        ("IR", ["09121234567", "9121234567", "989121234567"]),
        ("IR", ["44123456", "0044123456", "+44123456"]),
        ("IR", ["442079460000", "+442079460000"]),
        ("GB", ["442079460000", "+442079460000", "2079460000"]),
        ("DE", ["3012345", "03012345"]),
        # With an extra zero.
        ("DE", ["+490301234567", "0301234567"]),
        ("DE", ["00490301234567", "0301234567"]),
        ("ES", ["34911234567", "911234567"]),
        ("RU", ["4951234567", "84951234567", "74951234567"]),
        # Extensions.
        ("IR", ["0200", "200", "+200"]),
        ("IR", ["0300", "300"]),
        ("IR", ["0210", "210"]),
        ("IR", ["0600", "600"]),
        # After an outside-line prefix, or a code.
        ("IR", ["09121234567", "909121234567", "*31#09121234567"]),
        # Not dialed like that in this country.
        ("US", ["+12125551234", "0012125551234"]),
        # Without a country, national and international forms stay different.
        (None, ["09121234567", "+989121234567", "00989121234567"]),
        ("XX", ["09121234567", "+989121234567", "00989121234567"]),
    ],
)
def test_other_numbers(region: str | None, others: list[str]) -> None:
    """A form that the library only guesses is a different number."""
    assert len(set(map(plan(region).identity, others))) == len(others)


@pytest.mark.parametrize(
    ("region", "extension"),
    [
        ("AT", "57123"),
        ("NL", "14020"),
        ("AE", "80012"),
        ("NO", "02800"),
        ("LU", "27123"),
        ("TK", "3101"),
        ("NU", "4002"),
    ],
)
def test_extension(region: str, extension: str) -> None:
    """An extension that would be a valid number is an extension."""
    assert plan(region).identity(extension) == extension
    assert not plan(region).is_external(extension)


@given(numbers, regions, st.integers(1, 32))
def test_identity_is_stable(
    number: str, region: str | None, internal_digits: int
) -> None:
    """The identity of an identity is itself, for any number."""
    identity = plan(region, internal_digits).identity(number)

    assert plan(region, internal_digits).identity(identity) == identity
    assert identity in {number, f"+{identity[1:]}"}


@given(digits, regions)
def test_extra_zero(number: str, region: str | None) -> None:
    """A number never equals the one with another zero."""
    assume(not number.startswith("0"))
    one, other = plan(region).identity(number), plan(region).identity(f"0{number}")

    assert one != other


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
        # Within a country, its code is another form of the trunk prefix.
        ("0912*", ["+989121234567", "00989121234567"], ["+493012345", "989121234567"]),
        ("+98912*", ["09121234567", "00989121234567"], ["09131234567", "9121234567"]),
        ("0098912*", ["09121234567", "+989121234567"], ["09131234567"]),
        ("+98*", ["09121234567", "00989121234567"], ["0049301234567", "0", "101"]),
        ("+980*", ["+980912"], ["0049123", "09121234567", "101"]),
        ("+49*", ["+49301234567", "0049301234567"], ["0493012345", "493012345"]),
        ("0049*", ["+49301234567"], ["0493012345", "493012345"]),
        # Calls abroad, but not national calls.
        ("00*", ["+49301234567", "0049301"], ["+989121234567", "0912", "101"]),
        ("00*", ["0098912"], []),
        ("+*", ["+49301", "0049301234567", "+98912"], ["09121234567", "101"]),
    ],
)  # fmt: skip
def test_patterns(pattern: str, fits: list[str], others: list[str]) -> None:
    """A pattern matches only its numbers, whether it permits or forbids."""
    patterns = ("000000", parse_pattern(pattern))

    for number in fits:
        assert IRAN.permits(patterns, number), number
        assert IRAN.forbids(patterns, number), number
    for number in others:
        assert not IRAN.permits(patterns, number), number
        assert not IRAN.forbids(patterns, number), number


@pytest.mark.parametrize(
    ("region", "pattern", "number"),
    [
        # Numbers that the library does not know yet.
        ("IR", "0912*", "+98912"),
        ("IR", "0912*", "0098912"),
        ("IR", "+98912*", "091212"),
        ("IR", "+49*", "004930"),
        ("DE", "0900*", "+499000000000000"),
        # With both the country code and the trunk prefix.
        ("IR", "0912*", "+9809121234567"),
        ("IR", "0912*", "009809121234567"),
        ("RU", "8800*", "+788001234567"),
        # After a code.
        ("DE", "0900*", "*31#09001234567"),
        ("DE", "0900*", "#31#+499001234567"),
        ("US", "1900*", "*6719005551234"),
        ("US", "+44*", "0044123"),
        (None, "0049*", "+4930"),
        # Dialed without the trunk prefix that other numbers have.
        ("AU", "1900*", "+611900123456"),
        ("AU", "1900*", "0011611900123456"),
        ("AU", "+611900*", "1900123456"),
        ("SA", "9200*", "+966920012345"),
        ("SA", "700*", "+966700123456"),
        ("IL", "1900*", "+9721900123456"),
    ],
)
def test_forbidden_in_any_form(region: str | None, pattern: str, number: str) -> None:
    """A forbidden pattern matches all forms; a permitting one only equal forms."""
    assert plan(region).forbids((pattern,), number)
    assert not plan(region).permits((pattern,), number)


@pytest.mark.parametrize(
    ("region", "pattern", "fits", "others"),
    [
        ("US", "1212*", ["2125551234", "+12125551234", "12125551234"], ["2135551234"]),
        ("US", "212*", ["12125551234", "+12125551234", "01112125551234"], []),
        ("US", "+44*", ["011442079460000", "+442079460000"], ["2125551234"]),
        ("US", "011*", ["+442079460000"], ["+12125551234", "2125551234"]),
        ("US", "1900*", ["+19005551234", "9005551234"], ["0119005551234"]),
        ("ES", "911*", ["+34911234567", "0034911234567"], ["34911234567"]),
        ("ES", "+34*", ["911234567"], ["101", "+442079460000"]),
        ("JP", "010*", ["+442079460000"], ["+81312345678"]),
        ("RU", "810*", ["+442079460000"], ["+74951234567"]),
        ("RU", "8495*", ["+74951234567"], ["+442079460000"]),
        # None of several prefixes is the usual one.
        ("CL", "00*", ["+442079460000"], ["+56221234567"]),
        (None, "+98*", ["+989121234567"], ["09121234567"]),
    ],
)
def test_patterns_by_country(
    region: str | None, pattern: str, fits: list[str], others: list[str]
) -> None:
    """International and trunk prefixes differ by country."""
    for number in fits:
        assert plan(region).permits((pattern,), number), number
        assert plan(region).forbids((pattern,), number), number
    for number in others:
        assert not plan(region).permits((pattern,), number), number
        assert not plan(region).forbids((pattern,), number), number


def test_incomplete_number_is_not_permitted() -> None:
    """A number without its zero, or an extension, is not permitted."""
    assert not IRAN.permits(("09121234567", "+98*"), "9121234567")
    assert not IRAN.permits(("09121234567", "+98*"), "989121234567")
    assert not plan("GB").permits(("+44*",), "2079460000")
    assert not plan("AT").permits(("+43*",), "57123")
    assert not plan("NO").permits(("+47*",), "02800")


@given(numbers.filter(lambda number: not number.endswith("*")), regions)
def test_number_matches_itself(number: str, region: str | None) -> None:
    """Every number matches itself and all of its beginnings with an asterisk."""
    for pattern in (number, f"{number}*", f"{number[: len(number) // 2]}*"):
        assert plan(region).permits((pattern,), number)
        assert plan(region).forbids((pattern,), number)


@given(digits, digits)
def test_question_marks(one: str, other: str) -> None:
    """Each question mark matches one digit."""
    fits = plan(None).permits(("?" * len(one),), other)

    assert fits is (len(one) == len(other))


@given(numbers, numbers, regions)
def test_permitted_pattern_also_forbids(
    pattern: str, number: str, region: str | None
) -> None:
    """A pattern forbids whatever it would permit."""
    if plan(region).permits((pattern,), number):
        assert plan(region).forbids((pattern,), number)


@st.composite
def ways_to_dial(draw: st.DrawFn) -> tuple[NumberPlan, str, str]:
    """Return a plan, and two possible forms of a valid number."""
    region = draw(st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS)))
    example = phonenumbers.example_number(region)
    assert example is not None
    e164 = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
    trunk_prefix = phonenumbers.ndd_prefix_for_region(region, True) or ""  # noqa: FBT003 - the library's
    national = phonenumbers.national_significant_number(example)
    forms = [
        e164,
        e164[1:],
        f"00{e164[1:]}",
        f"011{e164[1:]}",
        national,
        f"0{national}",
        trunk_prefix + national,
    ]
    return plan(region), draw(st.sampled_from(forms)), draw(st.sampled_from(forms))


@given(ways_to_dial())
def test_number_permits_itself_only(case: tuple[NumberPlan, str, str]) -> None:
    """An allowed number permits no other number, in any form."""
    numbering, allowed, number = case
    if numbering.permits((allowed,), number):
        assert numbering.is_same(allowed, number)


@given(ways_to_dial())
@example((plan("SG"), "0116561234567", "+6561234567"))
def test_forbidden_number(case: tuple[NumberPlan, str, str]) -> None:
    """A forbidden number is forbidden in every equal form."""
    numbering, forbidden, number = case
    if numbering.is_same(forbidden, number):
        assert numbering.forbids((forbidden,), number)
        assert numbering.forbids((forbidden,), f"*31#{number}")
