"""Tests of the validation of action data; those of its fields: `test_services`."""

import pytest

from custom_components.pbx.calls.action_data import validate_action_data


@pytest.mark.parametrize(
    ("given", "data"),
    [
        ({"callee": "(+98217)"}, {"callee": "+98217"}),
        ({"callee": " ( Mom ) "}, {"callee": "Mom"}),
        ({"callee": "Mom (mobile)"}, {"callee": "Mom (mobile)"}),
        ({"callee": "(021) 1234"}, {"callee": "(021) 1234"}),
        ({"callee_contact": "(Mom)"}, {"callee_contact": "Mom"}),
        ({"callers": ["(Mom)", "(+98217)", 101]}, {"callers": ["Mom", "+98217", 101]}),
        ({"callers": "(Mom)"}, {"callers": ["Mom"]}),
        ({"callers": {"(Mom)", "Dad"}}, {"callers": ["Mom", "Dad"]}),
    ],
)
def test_parentheses(given: dict[str, object], data: dict[str, object]) -> None:
    """Parentheses around a number or a name, as templates need them, are removed."""
    assert validate_action_data(given) == data
