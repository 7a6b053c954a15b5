"""Calls through the boxes: what they ask, what is heard, and what is reported."""

import asyncio
from dataclasses import replace

import pytest

from sandbox import (
    Box,
    Context,
    Fault,
    Manner,
    ManualClock,
    Phone,
    Sandbox,
    SandboxConfig,
)
from sandbox.dialplan import MAX_VISITS

from .helpers import (
    LOGIN,
    ORIGINATE,
    SPEECH,
    Pbx,
    Receiver,
    Service,
    order,
    session,
    until,
)

# The person answers after two seconds, and has all the time of the world.
PERSON = "101"


@pytest.fixture
def config() -> SandboxConfig:
    """Return phones that do not hang up by themselves."""
    return replace(
        SandboxConfig(),
        phones=(
            Phone(PERSON, "Person", after=2),
            Phone("102", "Hasty", after=2, hang_up_after=4),
            Phone("103", "At once", after=0),
            Phone("104", "Nobody", behavior="no_answer"),
            Phone("200", "Nurse", after=3, as_callee=Manner(after=3, hang_up_after=9)),
        ),
        external=(Phone("0912*", "Mobile", after=2),),
    )


def _presses(pbx: Pbx, keys: str, at: float | None = None) -> None:
    pbx.sandbox.change_phone(PERSON, keys=keys, keys_at=at)


async def _ask_for_key(pbx: Pbx, service: Service, seconds: float = 4) -> str:
    """Let `say` play a sound and take a key; return how the sound is called."""
    sound = f"id:{await pbx.add_sound('water', seconds)}"
    service.says("say", f"GetData('{sound}', 5, 1);Exit('next');")
    return sound


async def test_an_announcement_with_a_key(pbx: Pbx, service: Service) -> None:
    """The whole chain of the documents."""
    pbx.draw(service)
    sound = await _ask_for_key(pbx, service)
    service.says("key", "ClearUserData();Playback('thank-you');Exit('done');")
    _presses(pbx, "1")

    call = await pbx.speak()
    await pbx.clock.advance(2)
    assert (call.state, call.heard[0].text) == ("connected", sound)
    assert service.fields() == [
        {
            "src": PERSON,
            "dst": SPEECH,
            "data": "",
            "unique_id": call.unique_id,
            "app_name": "say",
            "originated_call_id": call.id,
        }
    ]
    await pbx.clock.advance(4)
    assert service.fields()[1]["app_name"] == "key"
    assert service.fields()[1]["data"] == "1"
    assert call.state == "connected"
    await pbx.clock.advance(1)
    assert (call.result, call.talk_time) == ("answered", 5)
    assert pbx.sandbox.heard(PERSON) == [sound, "sound:thank-you"]
    assert all(heard.is_whole for heard in call.heard)
    outputs = [(each.box, each.output) for each in pbx.sandbox.questions]
    assert outputs == [("say", "next"), ("key", "done")]
    (row,) = await pbx.rows()
    assert (row["disposition"], row["billsec"], row["dst"]) == ("ANSWERED", "5", SPEECH)
    assert pbx.clock.pending == 0


@pytest.mark.parametrize(
    ("answer", "reports", "is_heard", "disposition"),
    [
        ("definite_answer", "no_answer", True, "ANSWERED"),
        ("answer", "no_answer", True, "NO ANSWER"),
        ("answer", "answered", True, "ANSWERED"),
        ("progress", "no_answer", False, "NO ANSWER"),
    ],
)
async def test_the_types_of_answer(
    pbx: Pbx,
    service: Service,
    connected: Receiver,
    answer: str,
    reports: str,
    disposition: str,
    *,
    is_heard: bool,
) -> None:
    """Each decides on the sound and on the report, and only on these."""
    pbx.draw(service, answer=answer, answer_reports=reports)
    sound = await _ask_for_key(pbx, service)
    _presses(pbx, "1")
    await pbx.speak()
    await pbx.clock.advance(60)
    assert pbx.sandbox.heard(PERSON) == ([sound] if is_heard else [])
    # Nobody presses a key for what they do not hear.
    assert [fields["data"] for fields in service.fields()] == ["", "1" * is_heard]
    (row,) = await pbx.rows()
    assert row["disposition"] == disposition
    (cdr,) = connected.of("Cdr")
    assert cdr["disposition"] == disposition


@pytest.mark.parametrize(
    ("at", "heard", "data"),
    [(None, 4, "1"), (1.5, 1.5, "1"), (8, 4, "1"), (9.5, 4, "")],
)
async def test_when_a_key_is_pressed(
    pbx: Pbx, service: Service, at: float | None, heard: float, data: str
) -> None:
    """A key stops the sound; after the sound, there are five seconds."""
    pbx.draw(service)
    await _ask_for_key(pbx, service)
    _presses(pbx, "1", at)
    call = await pbx.speak()
    await pbx.clock.advance(60)
    assert call.heard[0].seconds == heard
    assert call.heard[0].is_whole is (heard == 4)
    assert service.fields()[1]["data"] == data


async def test_a_sound_is_repeated_until_a_key(pbx: Pbx, service: Service) -> None:
    """Several files are one question."""
    pbx.draw(service)
    sound = f"id:{await pbx.add_sound('water', 4)}"
    service.says("say", f"GetData('{sound}&{sound}&{sound}', 5, 1);Exit('next')")
    _presses(pbx, "1", 5)
    call = await pbx.speak()
    await pbx.clock.advance(60)
    assert [(heard.text, heard.seconds) for heard in call.heard] == [
        (sound, 4),
        (sound, 1),
    ]


@pytest.mark.parametrize(
    ("keys", "digits", "keeps", "data"),
    [
        ("1234", 4, False, "1234"),
        ("12345", 4, False, "1234"),
        ("12#34", 4, False, "12"),
        ("12#", 4, True, "12#"),
        ("#", 4, False, ""),
        ("#", 4, True, "#"),
        ("1#", 1, True, "1"),
        ("*0", 2, False, "*0"),
        ("12", 4, False, "12"),
    ],
)
async def test_which_keys_are_data(
    pbx: Pbx, service: Service, keys: str, digits: int, *, keeps: bool, data: str
) -> None:
    """The input ends with #, with the last digit, or after a time."""
    pbx.draw(service, keeps_hash=keeps)
    sound = await pbx.add_sound("code", 2)
    service.says("say", f"GetData('id:{sound}', 5, {digits});Exit('next')")
    _presses(pbx, keys)
    await pbx.speak()
    await pbx.clock.advance(60)
    assert service.fields()[1]["data"] == data


async def test_data_grows_until_it_is_cleared(pbx: Pbx, service: Service) -> None:
    """It is all that was pressed so far."""
    outputs = {"again": "say", "next": "key"}
    pbx.draw(service, say=Box("say", outputs))
    sound = f"'id:{await pbx.add_sound('code', 2)}'"
    service.says(
        "say",
        f"GetData({sound}, 5, 1);Exit('again')",
        f"GetData({sound}, 5, 1);Exit('again')",
        f"ClearUserData();GetData({sound}, 5, 1);Exit('next')",
    )
    _presses(pbx, "7")
    await pbx.speak()
    await pbx.clock.advance(60)
    assert [fields["data"] for fields in service.fields()] == ["", "7", "77", "7"]


@pytest.mark.parametrize(("no_key", "output"), [("next", "next"), ("error", "e")])
async def test_no_key(pbx: Pbx, service: Service, no_key: str, output: str) -> None:
    """Box `key` asks in either case, when the time is over."""
    pbx.draw(service, no_key=no_key)
    await _ask_for_key(pbx, service)
    call = await pbx.speak()
    await pbx.clock.advance(2 + 4 + 4.5)
    assert len(service.asked) == 1
    await pbx.clock.advance(0.5)
    assert service.fields()[1]["data"] == ""
    assert pbx.sandbox.questions[0].output == output
    assert call.result == "answered"


async def test_keys_that_a_test_presses(pbx: Pbx, service: Service) -> None:
    """At any moment, while the call is in the boxes."""
    pbx.draw(service)
    await _ask_for_key(pbx, service)
    call = await pbx.speak()
    with pytest.raises(KeyError):
        pbx.sandbox.press(call.id, "2")
    await pbx.clock.advance(3)
    pbx.sandbox.press(call.id, "2")
    await pbx.clock.advance(0)
    assert service.fields()[1]["data"] == "2"
    assert call.heard[0].seconds == 1
    with pytest.raises(KeyError):
        pbx.sandbox.press(call.id, "2")


async def test_keys_before_the_question_are_not_its_answer(
    pbx: Pbx, service: Service
) -> None:
    """And they do not stop a sound that does not listen."""
    pbx.draw(service)
    sound = f"'id:{await pbx.add_sound('water', 4)}'"
    service.says(
        "say", f"PlayAnnouncement({sound});GetData({sound}, 5, 1);Exit('next')"
    )
    call = await pbx.speak()
    await pbx.clock.advance(3)
    pbx.sandbox.press(call.id, "9")
    await pbx.clock.advance(60)
    assert [heard.seconds for heard in call.heard] == [4, 4]
    assert service.fields()[1]["data"] == ""


async def test_every_command_is_heard(pbx: Pbx, service: Service) -> None:
    """In order, one after another."""
    pbx.draw(service)
    sound = await pbx.add_sound("water", 3)
    service.says(
        "say",
        "PlayAnnouncement('water');Playback('hello-world');SayNumber(5201);"
        "SayDigit(1239);SayDuration('0.0:05:00');SayClock('14:05');"
        "SayDate('1405-09-06','jalali');MusicOnHold('default', 60);Exit('done')",
    )
    call = await pbx.speak()
    await pbx.clock.advance(120)
    assert pbx.sandbox.heard(PERSON) == [
        f"id:{sound}",
        "sound:hello-world",
        "number:5201",
        "digits:1239",
        "duration:300",
        "time:14:05",
        "date:1405-09-06 jalali",
        "music:default",
    ]
    assert call.heard[0].prompt.title == "water"
    starts = [heard.since for heard in call.heard]
    ends = [heard.since + heard.seconds for heard in call.heard]
    assert starts[1:] == pytest.approx(ends[:-1])
    assert call.talk_time == round(sum(heard.seconds for heard in call.heard))
    assert pbx.clock.pending == 0


@pytest.mark.parametrize("kept", [False, True])
async def test_leading_zeros(pbx: Pbx, service: Service, *, kept: bool) -> None:
    """SayDigit takes a number, not a text."""
    pbx.draw(service, leading_zeros="kept" if kept else "lost")
    service.says("say", "SayDigit(0021);Exit('done')")
    await pbx.speak()
    await pbx.clock.advance(60)
    assert pbx.sandbox.heard(PERSON) == [f"digits:{'00' * kept}21"]


@pytest.mark.parametrize(
    ("commands", "error"),
    [
        ("Exit('other')", "the box has no case other"),
        ("Exit('e')", "the box has no case e"),
        ("Hangup();Exit('next')", "unknown command"),
        ("", "there is no Exit"),
        ("PlayAnnouncement('nothing');Exit('next')", "no announcement nothing"),
        ("GetData('nothing', 5, 1);Exit('next')", "no announcement nothing"),
        ("Playback('nothing');Exit('next')", "no sound nothing"),
    ],
)
async def test_a_command_that_is_wrong(
    pbx: Pbx, service: Service, lines: list[str], commands: str, error: str
) -> None:
    """The box is left by `e` at once, and `key` asks early."""
    pbx.draw(service)
    service.says("say", commands)
    call = await pbx.speak()
    await pbx.clock.advance(2)
    question = pbx.sandbox.questions[0]
    assert question.output == "e"
    assert error in question.error
    assert any(error in line for line in lines)
    assert service.fields()[1]["app_name"] == "key"
    assert (call.result, call.talk_time) == ("answered", 0)


async def test_what_comes_before_an_error_is_heard(pbx: Pbx, service: Service) -> None:
    """An error stops only the rest."""
    pbx.draw(service)
    service.says("say", "SayNumber(7);Beep();SayNumber(8);Exit('next')")
    await pbx.speak()
    await pbx.clock.advance(60)
    assert pbx.sandbox.heard(PERSON) == ["number:7"]
    assert pbx.sandbox.questions[0].output == "e"


async def test_a_sound_that_cannot_be_played_yet(pbx: Pbx, service: Service) -> None:
    """The same command works later."""
    pbx.draw(service)
    style = replace(pbx.sandbox.config.announcements, playable_after=10)
    pbx.sandbox.configure(announcements=style)
    sound = await _ask_for_key(pbx, service)
    await pbx.speak()
    await pbx.clock.advance(9)
    assert pbx.sandbox.heard(PERSON) == []
    await pbx.speak()
    await pbx.clock.advance(9)
    assert pbx.sandbox.heard(PERSON) == [sound]


async def test_a_sound_that_is_removed(pbx: Pbx, service: Service) -> None:
    """The one that plays goes on; the next does not begin."""
    pbx.draw(service)
    sound = await pbx.add_sound("water", 4)
    play = f"PlayAnnouncement('id:{sound}')"
    service.says("say", f"{play};{play};Exit('next')")
    call = await pbx.speak()
    await pbx.clock.advance(3)
    await pbx.post("/pbx/announcements/remove", {"_id": sound})
    await pbx.clock.advance(9)
    assert [heard.seconds for heard in call.heard] == [4]
    assert pbx.sandbox.questions[0].output == "e"


@pytest.mark.parametrize("by_person", [False, True])
async def test_hanging_up_in_the_midst(
    pbx: Pbx, service: Service, *, by_person: bool
) -> None:
    """What was heard until then is known, and no box asks anymore."""
    pbx.draw(service)
    await _ask_for_key(pbx, service, seconds=30)
    call = await pbx.speak("102" if by_person else PERSON)
    await pbx.clock.advance(6)
    if not by_person:
        pbx.sandbox.hang_up(call.id)
    await pbx.clock.advance(60)
    assert (call.result, call.talk_time) == ("answered", 4)
    (heard,) = call.heard
    assert (heard.seconds, heard.is_whole) == (4, False)
    assert len(service.asked) == 1
    assert pbx.sandbox.questions[0].output == ""
    assert pbx.clock.pending == 0


async def test_hanging_up_while_a_box_waits(pbx: Pbx, service: Service) -> None:
    """The response is for nobody."""
    pbx.draw(service)
    service.is_awake.clear()
    call = await pbx.speak()
    await pbx.clock.advance(2, patiently=False)
    await until(lambda: service.asked)
    pbx.sandbox.hang_up(call.id)
    service.is_awake.set()
    await pbx.clock.advance(60)
    assert (call.result, call.heard) == ("answered", [])
    assert pbx.sandbox.questions[0].answer is None
    assert len(service.asked) == 1


async def test_the_call_limit(pbx: Pbx, service: Service) -> None:
    """It ends an announcement, too."""
    pbx.draw(service)
    await _ask_for_key(pbx, service, seconds=30)
    call = await pbx.speak(call_limit="7")
    await pbx.clock.advance(60)
    assert (call.talk_time, call.heard[0].seconds) == (7, 7)


async def test_nobody_answers(pbx: Pbx, service: Service, connected: Receiver) -> None:
    """No box is asked, and only the report knows of the call."""
    pbx.draw(service)
    call = await pbx.speak("104")
    await pbx.clock.advance(60)
    assert service.asked == []
    assert connected.of("Cdr") == []
    assert call.result == "caller_unreachable"


async def test_one_box(pbx: Pbx, service: Service) -> None:
    """It plays, and the call ends."""
    pbx.draw(service, say=Box("say", {"done": "hang_up"}), key=None)
    service.says("say", "SayNumber(1);Exit('done')", "Exit('next')")
    first = await pbx.speak()
    await pbx.clock.advance(60)
    second = await pbx.speak()
    await pbx.clock.advance(60)
    assert (first.result, second.result) == ("answered", "answered")
    # An `e` that is not wired ends the call.
    assert [each.output for each in pbx.sandbox.questions] == ["done", "e"]


async def test_a_wire_to_a_box_that_is_not_there(pbx: Pbx, service: Service) -> None:
    """It ends the call, like an output without a wire."""
    pbx.draw(service, key=None)
    service.says("say", "Exit('next')")
    call = await pbx.speak()
    await pbx.clock.advance(3)
    assert call.result == "answered"


class _HastyClock(ManualClock):
    """A clock that goes on as soon as it may."""

    TURNS = 2


async def test_a_clock_that_hardly_waits(service: Service) -> None:
    """No response and no key comes too late for it."""
    async with (
        Sandbox(clock=(clock := _HastyClock())) as sandbox,
        session() as client,
    ):
        pbx = Pbx(sandbox, clock, client)
        pbx.draw(service)
        sound = await _ask_for_key(pbx, service)
        pbx.sandbox.change_phone("101", keys="1", hang_up_after=None)
        call = await pbx.speak()
        await clock.advance(60)
        assert service.fields()[1]["data"] == "1"
        assert sandbox.heard("101") == [sound]
        assert (call.result, call.talk_time) == ("answered", 4)
        sandbox.faults.set("/box/say", Fault("hang"))
        call = await pbx.speak()
        await clock.advance(60)
        assert (call.result, call.talk_time) == ("answered", 1)


async def test_boxes_in_a_circle(pbx: Pbx, service: Service) -> None:
    """Somewhere it ends."""
    pbx.draw(service, say=Box("say", {"again": "say"}))
    service.says("say", "Exit('again')")
    call = await pbx.speak()
    await pbx.clock.advance(2)
    assert call.state == "ended"
    assert len(service.asked) == MAX_VISITS


@pytest.mark.parametrize(
    ("callee", "context"), [(SPEECH, "other"), ("8802", "main_routing")]
)
async def test_another_number_or_context(
    pbx: Pbx, service: Service, callee: str, context: str
) -> None:
    """It is an external number like any other."""
    pbx.draw(service)
    contexts = (*pbx.sandbox.config.contexts, Context("other"))
    pbx.sandbox.configure(contexts=contexts)
    await pbx.originate(PERSON, callee, context=context)
    await pbx.clock.advance(60)
    assert service.asked == []


async def test_an_external_person(pbx: Pbx, service: Service) -> None:
    """A mobile phone hears it through a trunk."""
    pbx.draw(service)
    service.says("say", "SayNumber(1);Exit('done')")
    await pbx.speak("09121234567", trunk_name="main_trunk")
    await pbx.clock.advance(60)
    assert pbx.sandbox.heard("09121234567") == ["number:1"]


# To another person


@pytest.mark.parametrize(
    ("commands", "callee", "talk_time"),
    [
        ("SetExten('200');Exit('connect')", "200", 12),
        ("SetExten('200');SetLimitOnCall(5);Exit('connect')", "200", 8),
        ("SetExten('0912777');SetLimitOnCall(8);Exit('connect')", "0912777", 10),
    ],
)
async def test_connecting(
    pbx: Pbx,
    service: Service,
    connected: Receiver,
    commands: str,
    callee: str,
    talk_time: int,
) -> None:
    """The third wire leads to a person; one of both hangs up, or the limit ends it."""
    pbx.draw(service)
    service.says("say", "Exit('next')")
    service.says("key", commands)
    call = await pbx.speak()
    await pbx.clock.advance(6)
    assert call.connected_to == callee
    assert pbx.sandbox.phones.state(callee) == "InUse"
    await pbx.clock.advance(60)
    assert (call.result, call.talk_time) == ("answered", talk_time)
    assert pbx.sandbox.phones.state(callee) == "Idle"
    states = [
        each["state"] for each in connected.of("NewState") if each["exten"] == "200"
    ]
    assert states == ["Ringing", "InUse", "Idle"] * (callee == "200")


@pytest.mark.parametrize(
    ("commands", "talk_time"),
    [
        ("Exit('connect')", 0),
        ("SetExten('104');Exit('connect')", 30),
        ("SetExten('777');Exit('connect')", 1),
    ],
)
async def test_connecting_to_nobody(
    pbx: Pbx, service: Service, commands: str, talk_time: int
) -> None:
    """The call ends, and remains answered."""
    pbx.draw(service)
    pbx.sandbox.configure(trunks=())
    service.says("say", "Exit('next')")
    service.says("key", commands)
    call = await pbx.speak()
    await pbx.clock.advance(60)
    assert (call.result, call.talk_time) == ("answered", talk_time)


# What the documents leave open


async def test_get_with_parameters(pbx: Pbx, service: Service) -> None:
    """The same fields, in the address."""
    pbx.draw(service, method="get", url=service.url + "?token=a%2Fb")
    call = await pbx.speak()
    await pbx.clock.advance(60)
    (asked,) = service.asked
    assert (asked.method, asked.fields["token"]) == ("GET", "a/b")
    assert asked.fields["originated_call_id"] == call.id
    assert asked.fields["data"] == ""
    assert call.result == "answered"


async def test_login(pbx: Pbx, service: Service) -> None:
    """Nobody says whether it is sent."""
    pbx.draw(service)
    await pbx.speak()
    await pbx.clock.advance(60)
    pbx.draw(service, username="homeassistant", password="sandbox-password")
    await pbx.speak()
    await pbx.clock.advance(60)
    without, with_login = service.asked
    assert "Authorization" not in without.headers
    assert with_login.headers["Authorization"] == LOGIN


async def test_other_fields(pbx: Pbx, service: Service) -> None:
    """IDs are missing, and all boxes have one name."""
    service.says("Extension API", "Exit('next')", "Exit('done')")
    pbx.draw(
        service,
        app_names="default",
        with_unique_id=False,
        with_originated_call_id=False,
    )
    await pbx.speak()
    await pbx.clock.advance(60)
    fields = {"src": PERSON, "dst": SPEECH, "data": "", "unique_id": ""}
    assert service.fields() == [{**fields, "app_name": "Extension API"}] * 2
    assert [each.output for each in pbx.sandbox.questions] == ["next", "done"]


async def test_two_boxes_with_one_name(pbx: Pbx, service: Service) -> None:
    """The owner has copied the first one."""
    service.says("say", "Exit('next')", "Exit('done')")
    pbx.draw(service, key=Box("say", {"done": "hang_up"}))
    await pbx.speak()
    await pbx.clock.advance(60)
    assert [each["app_name"] for each in service.fields()] == ["say", "say"]
    assert [each.box for each in pbx.sandbox.questions] == ["say", "key"]


@pytest.mark.parametrize("dst", ["number", "person"])
async def test_who_is_dst(
    pbx: Pbx, service: Service, connected: Receiver, dst: str
) -> None:
    """In the requests of the boxes, in the report and in the event."""
    pbx.draw(service, dst=dst)
    await pbx.speak(caller_id="557")
    await pbx.clock.advance(60)
    parties = ("557", PERSON) if dst == "person" else (PERSON, SPEECH)
    shown = (service.fields()[0], *await pbx.rows(), *connected.of("Cdr"))
    assert [(each["src"], each["dst"]) for each in shown] == [parties] * 3


@pytest.mark.parametrize("is_sent", [False, True])
async def test_whether_an_outgoing_call_is_told(
    pbx: Pbx, service: Service, connected: Receiver, *, is_sent: bool
) -> None:
    """A route that leads to a box may be none."""
    pbx.draw(service, with_outgoing_call=is_sent)
    await pbx.speak()
    await pbx.clock.advance(60)
    assert len(connected.of("OutgoingCall")) == is_sent


@pytest.mark.parametrize("copies", [1, 2, 3])
async def test_a_box_that_asks_more_than_once(
    pbx: Pbx, service: Service, copies: int
) -> None:
    """The last response counts, and is heard once."""
    pbx.draw(service, copies=copies)
    service.says("say", "SayNumber(1);Exit('done')")
    await pbx.speak()
    await pbx.clock.advance(60)
    fields = service.fields()
    assert fields == [fields[0]] * copies
    assert pbx.sandbox.heard(PERSON) == ["number:1"]


async def test_a_box_that_asks_again(pbx: Pbx, service: Service) -> None:
    """Only if there was no response."""
    pbx.draw(service, retries=2)
    pbx.sandbox.faults.set("/box/say", Fault("hang", times=1))
    service.says("say", "SayNumber(1);Exit('done')")
    await pbx.speak()
    await pbx.clock.advance(60)
    assert pbx.sandbox.heard(PERSON) == ["number:1"]
    assert [each.answer is None for each in pbx.sandbox.questions] == [True, False]
    assert len(service.asked) == 2


async def test_before_the_answer_to_the_request(pbx: Pbx, service: Service) -> None:
    """A box asks about a call whose ID is not known yet."""
    pbx.draw(service)
    fault = Fault("slow", times=1, placed=True, seconds=0.5)
    pbx.sandbox.faults.set(ORIGINATE, fault)
    request = asyncio.create_task(pbx.post(ORIGINATE, order("103", SPEECH)))
    await until(lambda: pbx.clock.pending)
    await pbx.clock.advance(0)
    assert len(service.asked) == 1
    assert not request.done()
    await pbx.clock.advance(0.5)
    reply = await request
    call_id = reply.json["data"]["originated_call_id"]
    assert service.fields()[0]["originated_call_id"] == call_id


async def test_faults_of_every_request_are_not_those_of_a_box(
    pbx: Pbx, service: Service
) -> None:
    """The star is for the API."""
    pbx.draw(service)
    await pbx.speak()
    pbx.sandbox.faults.set("*", Fault("hang"))
    await pbx.clock.advance(60)
    assert pbx.sandbox.questions[0].output == "done"


async def test_stopping_in_the_midst(pbx: Pbx, service: Service) -> None:
    """No timer and no task is left behind."""
    pbx.draw(service)
    await _ask_for_key(pbx, service)
    call = await pbx.speak()
    await pbx.clock.advance(3)
    await pbx.sandbox.__aexit__(None, None, None)
    assert pbx.clock.pending == 0
    assert call.state == "connected"
