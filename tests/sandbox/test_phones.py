"""Numbers, lines and how ringing goes."""

from dataclasses import replace

import pytest

from sandbox import Manner, Phone, SandboxConfig
from sandbox.phones import Phones, Ring

CONFIG = SandboxConfig(
    phones=(
        Phone("101", "Kitchen"),
        Phone("102", "Cellar", active=False),
        Phone("103", behavior="no_answer"),
        Phone("104", behavior="unreachable", after=1),
        Phone("105", lines=2, as_caller=Manner(behavior="decline", after=1)),
    ),
    external=(Phone("0912*", "Mobile", behavior="busy", after=3),),
)


@pytest.fixture
def phones() -> Phones:
    """Return phones of every kind."""
    return Phones(lambda: CONFIG)


def test_internal_and_external(phones: Phones) -> None:
    """Numbers in the list are internal; all others are external."""
    assert phones.is_internal("101")
    assert not phones.is_internal("0912")
    assert phones.find("101").name == "Kitchen"
    assert phones.find("0912555").name == "Mobile"
    assert phones.find("777") == Phone("777")


@pytest.mark.parametrize(
    ("number", "ring"),
    [
        ("101", Ring("answer", 2)),
        ("102", Ring("unreachable", 2)),
        ("103", Ring("no_answer", 30)),
        ("104", Ring("unreachable", 1)),
        ("105", Ring("answer", 2)),
        ("091299", Ring("busy", 3)),
    ],
)
def test_how_ringing_goes(phones: Phones, number: str, ring: Ring) -> None:
    """Each phone in its own manner."""
    assert phones.ring(number, "callee", 30) == ring
    assert ring.is_heard is (ring.result in {"answer", "no_answer"})


def test_a_role_has_its_own_manner(phones: Phones) -> None:
    """This one declines to be the caller."""
    assert phones.ring("105", "caller", 30) == Ring("decline", 1)


def test_an_answer_at_the_timeout_is_none(phones: Phones) -> None:
    """The PBX has given up by then."""
    assert phones.ring("101", "callee", 2) == Ring("no_answer", 2)


def test_a_phone_in_use_is_busy(phones: Phones) -> None:
    """Unless it has another line."""
    phones.put("101", "call", "Ringing")
    assert phones.ring("101", "callee", 30) == Ring("busy", 1)
    phones.put("105", "call", "InUse")
    assert phones.ring("105", "callee", 30).result == "answer"
    phones.put("105", "call 2", "Ringing")
    assert phones.ring("105", "callee", 30).result == "busy"
    assert phones.release("101", "call")
    assert not phones.release("101", "call")
    assert phones.ring("101", "callee", 30).result == "answer"


def test_states(phones: Phones) -> None:
    """In use comes before ringing, and that before idle."""
    assert phones.state("105") == "Idle"
    phones.put("105", "a", "Ringing")
    assert phones.state("105") == "Ringing"
    phones.put("105", "b", "InUse")
    assert phones.state("105") == "InUse"
    phones.release("105", "b")
    assert phones.state("105") == "Ringing"
    assert phones.state("102") == "Unavailable"
    assert phones.state("104") == "Unavailable"


def test_a_changed_configuration_counts_at_once() -> None:
    """The phones are those of the moment."""
    config = CONFIG
    phones = Phones(lambda: config)
    config = replace(config, phones=())
    assert not phones.is_internal("101")
