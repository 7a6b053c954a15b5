"""What the bench makes of its measurements, and what it measures with."""

from array import array
import json
from pathlib import Path
from typing import cast

import pytest
import yaml

from scripts.support.asterisk import SpeakingPhoneCall
from scripts.support.bench import announcements, scene, tracker
from scripts.support.bench.ratios import (
    Comparison,
    as_json,
    as_table,
    compare,
    turns,
)
from scripts.support.bench.server import Answers, answer, content_length
from scripts.support.tones import say

COMPARISON = Comparison("mine", "its", 1.2)
HEAD = b"POST /api/v4/call/originate/act HTTP/1.1\r\nContent-Length: 3"
REQUEST = HEAD + b"\r\n\r\n{ }"


def test_a_round_is_compared_with_itself() -> None:
    """A round that was slow for both says as much as the others."""
    rounds = {"mine": [2e-6, 200e-6, 3e-6], "its": [1e-6, 100e-6, 1e-6]}

    ratio = compare("A thing", COMPARISON, rounds)

    assert (ratio.what, ratio.ours, ratio.other) == ("A thing", "mine", "its")
    assert (ratio.ours_us, ratio.other_us) == (3.0, 1.0)
    assert (ratio.ratio, ratio.low, ratio.high) == (2.0, 2.0, 2.5)
    assert ratio.goal == 1.2


def test_rounds_that_do_not_fit_are_not_compared() -> None:
    """One that is missing is a mistake, not a shorter list."""
    with pytest.raises(ValueError, match="zip"):
        compare("A thing", COMPARISON, {"mine": [1.0, 1.0], "its": [1.0]})


def test_each_is_the_first_in_its_turn() -> None:
    """So none of them always comes after the same other one."""
    orders = ["".join(turns("abc", number)) for number in range(4)]
    assert orders == ["abc", "bca", "cab", "abc"]


def test_table_and_json() -> None:
    """The table is for people, and the line has the same in it."""
    rounds = {"mine": [2e-3, 2e-3], "its": [1e-6, 1e-6]}
    ratios = [
        compare("A thing", COMPARISON, rounds),
        compare("Another", Comparison("its", "mine"), rounds),
    ]

    header, rule, first, second = as_table(ratios).splitlines()
    line = as_json(ratios, processors=2)

    assert len({len(header), len(rule), len(first), len(second)}) == 1
    assert "mine: 2.00 ms" in first
    assert "its: 1.0 µs" in first
    assert "≤ 1.2" in first
    assert "none" in second
    assert "\n" not in line
    results = json.loads(line)
    assert results["processors"] == 2
    assert [each["goal"] for each in results["ratios"]] == [1.2, None]


@pytest.mark.parametrize("size", [1, 7, len(REQUEST), 2 * len(REQUEST)])
def test_the_server_answers_whole_requests(size: int) -> None:
    """However they are cut up on the way."""
    written: list[bytes] = []
    answers = Answers(written.append, lambda: 1_703_145_054.5)
    received = 2 * REQUEST
    for start in range(0, len(received), size):
        answers.receive(received[start : start + size])

    assert written == [answer(HEAD, 1_703_145_054.5)] * 2


def test_the_server_s_answers() -> None:
    """A call has an id; whatever else is asked for is not there."""
    call = answer(HEAD, 1_703_145_054.5)
    other = answer(b"POST /api/v4/setting/ping/act HTTP/1.1", 1_703_145_054.5)

    head, _, body = call.partition(b"\r\n\r\n")
    assert json.loads(body)["data"] == {
        "originated_call_id": "orig.call.1703145054.500000"
    }
    assert content_length(head) == len(body)
    assert b"Date: Thu, 21 Dec 2023 07:50:54 GMT" in head
    assert json.loads(other.partition(b"\r\n\r\n")[2])["data"] == []
    assert content_length(b"GET / HTTP/1.1") == 0


def test_the_rest_command_sends_the_same() -> None:
    """With the numbers of the action, it is what the integration sends."""
    command = yaml.safe_load(scene.configuration("http://127.0.0.1:1/x"))
    originate = command["rest_command"]["originate"]

    payload = json.loads(originate["payload"])

    assert payload == {**scene.CALL, "caller": "{{ caller }}", "callee": "{{ callee }}"}
    assert originate["url"] == "http://127.0.0.1:1/x"
    assert originate["headers"] == scene.HEADERS


def test_what_is_written(tmp_path: Path) -> None:
    """The probe stands beside the integrations, which are those of this folder."""
    scene.write(tmp_path)

    components = tmp_path / "custom_components"
    pbx = components / "pbx"
    assert pbx.resolve() == Path(__file__).parents[2] / "custom_components/pbx"
    assert (components / "pbx_bench/manifest.json").is_file()
    automations = yaml.safe_load((tmp_path / "automations.yaml").read_text())
    assert len(automations) == 1 + len(scene.WEBHOOKS)
    assert len({automation["id"] for automation in automations}) == len(automations)


def test_as_many_calls_are_placed_as_end() -> None:
    """The number of calls that are open stays what it is."""
    followed, ids = tracker.populated(20)
    before = set(ids)

    assert tracker.seconds_per_update(followed, ids, 10) > 0

    assert len(followed.open) == 20
    assert {call.originated_call_id for call in followed.open.placed} == set(ids)
    assert len(followed.recent) == 10
    assert set(ids) != before


def test_every_size_is_measured_in_every_round() -> None:
    """The first round, which warms up, is not among them."""
    measured = tracker.measure(rounds=2, calls=1)

    assert set(measured) == {*map(str, scene.SIZES), tracker.FEW_OF_MANY}
    assert {len(seconds) for seconds in measured.values()} == {2}


def test_bytes_of_a_call() -> None:
    """A call takes hundreds of bytes, and not many thousands."""
    assert 200 < tracker.bytes_per_call(200) < 5000


class _Call:
    """A call of a phone that has heard something."""

    def __init__(self, heard: bytes, first_sound: float | None, gap: float) -> None:
        """Initialize the call, of 8 kHz."""
        self.heard = array("h", heard)[::2].tobytes()
        self.first_sound = first_sound
        self.largest_gap = gap


def test_what_phones_have_heard() -> None:
    """The worst call counts; one that has heard nothing is not overlooked."""
    said = say("one two three")
    calls = [_Call(said, 0.02, 0.04), _Call(said, 0.1, 0.02), _Call(said, 0.03, 0.02)]
    good = announcements.heard(cast("list[SpeakingPhoneCall]", calls), said, cpu=0.3)
    deaf = [*calls, _Call(bytes(len(said)), None, 0)]
    bad = announcements.heard(cast("list[SpeakingPhoneCall]", deaf), said, cpu=0.4)

    assert (good.calls, good.first_word_ms, good.first_word_ms_most) == (3, 30, 100)
    assert (good.gap_ms_most, good.cpu_ms) == (40, 100)
    assert good.likeness_least > 0.99
    assert (bad.first_word_ms_most, bad.likeness_least) == (float("inf"), 0)
    header, rule, *rows = announcements.as_table([good, bad]).splitlines()
    assert {len(row) for row in rows} == {len(header)} == {len(rule)}
    assert "30 ms, at most 100 ms" in rows[0]


def test_keys_of_announcements() -> None:
    """A call that has lost a key is not overlooked."""
    text = announcements.Pressed(calls=20, keys=16, right=19).text
    assert text.startswith("Each of 16 keys")
    assert "19 of 20 calls" in text
