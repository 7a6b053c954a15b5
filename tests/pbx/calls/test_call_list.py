"""Tests of reading the list of people in an action: any order, any rubbish."""

from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.pbx.calls.call_list import ListItem, parse_list

NAMES = frozenset({"Smith, John", "a;b,c", "Ali", "x, y, z, v, w"})

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
RUBBISH = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(SCALARS | st.just("number") | st.just("contact"), inner)
        | st.frozensets(st.text() | st.integers())
    ),
)
ENTRIES = st.sampled_from([*sorted(NAMES), "101", "0912 000 0001", "+98 21 55", "Sara"])
SEPARATORS = st.sampled_from([",", ", ", ";", "؛ ", "،", "\n", "\r\n", " , \n"])


def is_name(text: str) -> bool:
    """Return whether a text is the name of a contact."""
    return text in NAMES


def people(value: object) -> list[object]:
    """Return the people in a list, as they were written."""
    return [item.reference for item in parse_list(value, is_name)]


@given(RUBBISH)
def test_any_value(value: object) -> None:
    """Any value is read; nothing of it is lost, and an empty list has no one."""
    items = parse_list(value, is_name)
    is_list = isinstance(value, list | tuple | frozenset)
    assert len(items) >= (len(value) if is_list else 1)  # type: ignore[arg-type]
    assert bool(items) is not (is_list and not value)
    assert all(isinstance(name, str) for item in items for name in item.settings)


@given(st.lists(RUBBISH), st.data())
def test_order(values: list[Any], data: st.DataObject) -> None:
    """Each entry is read by itself, so the order is that of the list."""
    order = data.draw(st.permutations(values))
    expected = [item for value in order for item in parse_list([value], is_name)]
    assert repr(parse_list(order, is_name)) == repr(expected)


@given(st.lists(ENTRIES, min_size=1), st.data())
def test_text(entries: list[str], data: st.DataObject) -> None:
    """A text with separators names the same people as a list."""
    text = entries[0]
    for entry in entries[1:]:
        text += data.draw(SEPARATORS) + entry
    assert people(text) == entries
    assert people(f" {text}\n") == entries
    assert people([text]) == entries
    assert people(entries) == people(tuple(entries)) == entries


@given(st.sets(ENTRIES))
def test_set(entries: set[str]) -> None:
    """A set that a template made has a fixed order."""
    assert people(entries) == sorted(entries)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", [""]),
        (" ", [""]),
        (",;\n", [""]),
        ("101,", ["101"]),
        (",101,,102", ["101", "102"]),
        ("(+98 21 55)", ["+98 21 55"]),
        ("(+98 21 55), (Ali)", ["+98 21 55", "Ali"]),
        # Longer than the longest name that is looked for.
        ("a, b, c, d, e, f", ["a", "b", "c", "d", "e", "f"]),
        (101, [101]),
        (None, [None]),
        ([["101"]], ["101"]),
        ([("101", "102"), "103"], ["101", "102", "103"]),
        ([["101, 102"], {"103"}], ["101", "102", "103"]),
        ([[["101"]]], [["101"]]),
        ([[]], [[]]),
    ],
)
def test_examples(value: object, expected: list[object]) -> None:
    """An empty text is one bad entry; separators alone make none."""
    assert people(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"contact": "Ali"}, ListItem("Ali", {}, is_contact=True)),
        (
            {"contact": "Smith, John", "timeout": 45},
            ListItem("Smith, John", {"timeout": 45}, is_contact=True),
        ),
        ({"number": "1, 2", 3: 4}, ListItem("1, 2", {"3": 4})),
        ({"number": None, "contact": "Ali"}, ListItem("Ali", {}, is_contact=True)),
        # Neither says who is meant, or both do.
        ({}, ListItem({})),
        ({"timeout": 45}, ListItem({"timeout": 45})),
        (
            {"contact": "Ali", "number": "101"},
            ListItem({"contact": "Ali", "number": "101"}),
        ),
    ],
)
def test_mapping(value: dict[Any, object], expected: ListItem) -> None:
    """A mapping is one person, by contact or number, with settings."""
    assert parse_list(value, is_name) == [expected]
    assert parse_list([value], is_name) == [expected]
