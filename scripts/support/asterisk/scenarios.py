"""SIPp scenarios of phones."""

from enum import StrEnum

_HEADERS = """\
[last_Via:]
[last_From:]
[last_To:]{tag}
[last_Call-ID:]
CSeq: {cseq}
Contact: <sip:[local_ip]:[local_port]>
"""
_TAG = ";tag=[pid]phone[call_number]"
# Phones send voice like real ones, which lets Asterisk optimize Local channels away.
_VOICE = """\
Content-Type: application/sdp
Content-Length: [len]

v=0
o=- 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio [rtpstream_audio_port] RTP/AVP 0
a=rtpmap:0 PCMU/8000
"""
# Placeholder for the folder of the phone.
FOLDER = "{folder}"
VOICE_FILE = "voice.ulaw"
_SPEAK = (
    f'<nop><action><exec rtp_stream="{FOLDER}/{VOICE_FILE},-1,0,PCMU/8000"/>'
    "</action></nop>"
)
_NO_BODY = "Content-Length: 0\n"
_BYE_OF_CALLEE = """\
BYE [next_url] SIP/2.0
Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]
From:[$to];tag=[pid]phone[call_number]
To:[$from]
[last_Call-ID:]
CSeq: 1 BYE
Max-Forwards: 70
Content-Length: 0
"""

_OK = "200 OK"
_RINGING = "180 Ringing"
_BUSY = "486 Busy Here"
_DECLINED = "603 Decline"
_UNAVAILABLE = "480 Temporarily Unavailable"
_REFUSALS = (403, 404, 408, 480, 486, 488, 500, 503, 603)


class Behavior(StrEnum):
    """What a phone does when it is called."""

    ANSWER = "answer"
    NEVER_ANSWER = "never answer"
    BUSY = "busy"
    RING_THEN_BUSY = "ring, then busy"
    DECLINE = "decline"
    RING_THEN_DECLINE = "ring, then decline"
    UNAVAILABLE = "unavailable"
    RING_THEN_UNAVAILABLE = "ring, then unavailable"
    DEAD = "dead"


_FINAL = {
    Behavior.BUSY: _BUSY,
    Behavior.RING_THEN_BUSY: _BUSY,
    Behavior.DECLINE: _DECLINED,
    Behavior.RING_THEN_DECLINE: _DECLINED,
    Behavior.UNAVAILABLE: _UNAVAILABLE,
    Behavior.RING_THEN_UNAVAILABLE: _UNAVAILABLE,
}
_WITHOUT_RINGING = {Behavior.BUSY, Behavior.DECLINE, Behavior.UNAVAILABLE}


def being_rung(
    behavior: Behavior,
    *,
    ring: float,
    hang_up_after: float | None,
    refusal: str | None = None,
) -> str:
    """Return the scenario of a phone that is called.

    Args:
        behavior: of the phone.
        ring: ring time in seconds, if it rings.
        hang_up_after: seconds of talk after which it hangs up; None: never.
        refusal: SIP status that replaces that of the behavior.
    """
    steps = [
        _receive(
            "INVITE",
            actions=(
                _keep("From", "from"),
                _keep("To", "to"),
                _keep("CSeq", "invite_cseq"),
            ),
            more='rrs="true"',
        )
    ]
    # SIPp refuses variables that a scenario assigns and never uses.
    steps.append('<Reference variables="from,to,invite_cseq"/>')
    if behavior not in _WITHOUT_RINGING:
        wait = None if behavior is Behavior.NEVER_ANSWER else ring
        steps += [_respond(_RINGING), *_unless("CANCEL", wait, "decide", "cancelled")]
    if final := _FINAL.get(behavior):
        final = refusal or final
        steps += [_respond(final, again=True), _receive("ACK", more='next="end"')]
    else:
        steps += [_respond(_OK, again=True, body=_VOICE), _receive("ACK")]
        steps += _until_the_end(hang_up_after, _BYE_OF_CALLEE)
    steps += [
        _label("cancelled"),
        _respond(_OK),
        _respond("487 Request Terminated", again=True, cseq="[$invite_cseq]"),
        _receive("ACK"),
        _label("end"),
    ]
    return _scenario(behavior, steps)


def ringing(
    caller: str, *, give_up_after: float | None, hang_up_after: float | None
) -> str:
    """Return the scenario of a phone that calls another, SIPp's service.

    Args:
        caller: its number.
        give_up_after: seconds of ringing after which it cancels; None: never.
        hang_up_after: seconds of talk after which it hangs up; None: never.
    """
    patience = _timeout(give_up_after, "give_up")
    refused = [
        _receive(code, more=f'optional="true" next="refused" {patience}')
        for code in _REFUSALS
    ]
    steps = [
        _send(_request("INVITE", 1, caller) + _VOICE, again=True),
        _receive(100, more='optional="true"'),
        _receive(180, more='optional="true" next="rings"'),
        *refused,
        _receive(200, more='rrs="true" next="answered"'),
        _label("rings"),
        *refused,
        _receive(200, more=f'rrs="true" {patience}'),
        _label("answered"),
        _send(_request("ACK", 1, caller, to="[peer_tag_param]") + _NO_BODY),
        *_until_the_end(
            hang_up_after,
            _request("BYE", 2, caller, to="[peer_tag_param]") + _NO_BODY,
        ),
        _label("give_up"),
        _send(_request("CANCEL", 1, caller) + _NO_BODY, again=True),
        _receive(200),
        _receive(487),
        _label("refused"),
        _send(_request("ACK", 1, caller, to="[peer_tag_param]") + _NO_BODY),
        _label("end"),
    ]
    return _scenario("ring", steps)


def _request(method: str, cseq: int, caller: str, to: str = "") -> str:
    """Return the head of a caller's request; all but BYE share a transaction."""
    branch = "[branch]" if method == "BYE" else "z9hG4bK[pid]ring[call_number]"
    return f"""\
{method} sip:[service]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/UDP [local_ip]:[local_port];branch={branch}
From: <sip:{caller}@[local_ip]>;tag=[pid]phone[call_number]
To: <sip:[service]@[remote_ip]>{to}
Call-ID: [call_id]
CSeq: {cseq} {method}
Contact: <sip:{caller}@[local_ip]:[local_port]>
Max-Forwards: 70
"""


def _until_the_end(hang_up_after: float | None, bye: str) -> list[str]:
    """Return the steps from the answer until either side hangs up."""
    steps = [
        _SPEAK,
        *_unless("BYE", hang_up_after, "hang_up", "hung_up"),
        _send(bye, again=True),
        _receive(200, more='next="end"'),
        _label("hung_up"),
        _respond(_OK, tag=""),
    ]
    return [*steps, '<nop next="end"/>']


def _unless(
    request: str, seconds: float | None, otherwise: str, then: str
) -> list[str]:
    """Return the steps that wait, and jump to a label if the request is received."""
    return [
        _receive(request, more=f'next="{then}" {_timeout(seconds, otherwise)}'),
        _label(otherwise),
    ]


def _respond(
    status: str,
    *,
    again: bool = False,
    body: str = _NO_BODY,
    cseq: str = "",
    tag: str = _TAG,
) -> str:
    head = _HEADERS.format(tag=tag, cseq=cseq)
    if not cseq:
        head = head.replace("CSeq: \n", "[last_CSeq:]\n")
    return _send(f"SIP/2.0 {status}\n{head}{body}", again=again)


def _send(message: str, *, again: bool = False) -> str:
    """Return the step that sends a message, with retransmission if wanted."""
    retransmission = ' retrans="500"' if again else ""
    return f"<send{retransmission}><![CDATA[\n{message}\n]]></send>"


def _receive(what: str | int, *, actions: tuple[str, ...] = (), more: str = "") -> str:
    kind = "response" if isinstance(what, int) else "request"
    action = f"<action>{''.join(actions)}</action>" if actions else ""
    return f'<recv {kind}="{what}" {more}>{action}</recv>'


def _keep(header: str, variable: str) -> str:
    return (
        f'<ereg regexp=".*" search_in="hdr" header="{header}:" assign_to="{variable}"/>'
    )


def _timeout(seconds: float | None, label: str) -> str:
    if seconds is None:
        return ""
    return f'timeout="{max(1, round(seconds * 1000))}" ontimeout="{label}"'


def _label(name: str) -> str:
    return f'<label id="{name}"/>'


def _scenario(name: str, steps: list[str]) -> str:
    return "\n".join(
        (
            '<?xml version="1.0" encoding="UTF-8"?>',
            f'<scenario name="{name}">',
            *steps,
            "</scenario>",
            "",
        )
    )
