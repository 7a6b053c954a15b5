"""Searching users and trunks."""

from typing import Any

import pytest

from sandbox import Phone

from .helpers import TRUNKS, USERS, Pbx

ALL = ["101", "102", "103", "104", "105", "106", "107", "200"]


@pytest.mark.parametrize(
    ("body", "numbers"),
    [
        ({}, ALL),
        ({"conditions": "nonsense"}, ALL),
        (
            {
                "status": "all",
                "alike": True,
                "conditions": {"name": "", "number": "", "mapped": ""},
            },
            ALL,
        ),
        ({"alike": True, "conditions": {"number": "10"}}, ALL[:7]),
        ({"alike": "true", "conditions": {"name": "gar"}}, ["104", "105"]),
        ({"alike": False, "conditions": {"number": "10"}}, []),
        ({"alike": "false", "conditions": {"number": "103"}}, ["103"]),
        ({"conditions": {"name": "Kitchen", "number": "102"}}, []),
        ({"alike": True, "conditions": {"mapped": "5"}}, []),
        ({"conditions": {"number": 101}}, ALL),
    ],
)
async def test_users(pbx: Pbx, body: dict[str, object], numbers: list[str]) -> None:
    """Every condition that is not empty counts."""
    rows: list[dict[str, Any]] = (await pbx.post(USERS, body)).json["data"]
    assert [row["number"] for row in rows] == numbers


async def test_a_user_s_row(pbx: Pbx) -> None:
    """Name, number, and whether it is in use at all."""
    pbx.sandbox.configure(phones=(Phone("1", "One"), Phone("2", "Two", active=False)))
    rows = (await pbx.post(USERS)).json["data"]
    shown = [(row["name"], row["number"], row["active"]) for row in rows]
    assert shown == [("One", "1", "yes"), ("Two", "2", "no")]
    for status, number in (("yes", "1"), ("no", "2")):
        rows = (await pbx.post(USERS, {"status": status})).json["data"]
        assert [row["number"] for row in rows] == [number]


async def test_trunks(pbx: Pbx) -> None:
    """With the state of each."""
    body: dict[str, object] = {"alike": "true", "conditions": {"name": ""}}
    rows = (await pbx.post(TRUNKS, body)).json["data"]
    assert [(row["name"], row["active"]) for row in rows] == [
        ("main_trunk", "yes"),
        ("spare_trunk", "no"),
    ]
    body["conditions"] = {"name": "spare"}
    rows = (await pbx.post(TRUNKS, body)).json["data"]
    assert [row["name"] for row in rows] == ["spare_trunk"]
