"""A call's own arithmetic."""

from sandbox import ManualClock, SandboxCall


def _call() -> SandboxCall:
    return SandboxCall(id="a", unique_id="1.1", caller="1", callee="2", started=100.0)


def test_ring_and_talk_time() -> None:
    """They are whole seconds, and nothing before there is anything."""
    call = _call()
    assert (call.ring_time, call.talk_time) == (0, 0)
    call.second_leg, call.answered = 102.0, 105.4
    assert (call.ring_time, call.talk_time) == (3, 0)
    call.ended = 115.4
    assert (call.ring_time, call.talk_time) == (3, 10)


def test_the_ring_time_of_a_caller_who_is_not_reached() -> None:
    """It is the caller's phone that rang then."""
    call = _call()
    call.ended = 130.0
    assert call.ring_time == 30


def test_only_an_originated_call_has_the_id_of_its_request() -> None:
    """An incoming call has none."""
    call = _call()
    assert call.originated_call_id == "a"
    call.type = "incoming"
    assert call.incoming
    assert call.originated_call_id == ""


async def test_leaving_a_stage_calls_its_timers_off(clock: ManualClock) -> None:
    """Nothing that was arranged for a stage outlives it."""
    call = _call()
    seen: list[int] = []
    call.later(clock, 1, lambda: seen.append(1))
    call.cancel_timers()
    await clock.advance(2)
    assert seen == []
