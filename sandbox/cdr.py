"""Call detail records: rows of the report, and fields of the `Cdr` event."""

from .calls import CallResult, SandboxCall
from .dates import gregorian, jalali, mongo, written
from .model import EventPush, ReportStyle

UNREACHED = "OutgoingSpoolFailed"

_DISPOSITIONS: dict[CallResult, str] = {
    "answered": "ANSWERED",
    "no_answer": "NO ANSWER",
    "busy": "BUSY",
    "failed": "FAILED",
    "caller_unreachable": "FAILED",
}
_TITLES = {
    "ANSWERED": "Answered",
    "NO ANSWER": "No Answered",
    "BUSY": "Busy",
    "FAILED": "Failed",
}


def disposition(call: SandboxCall) -> str:
    """Return the disposition of a call in the report."""
    return _DISPOSITIONS[call.result or "failed"]


def event_fields(call: SandboxCall, push: EventPush, zone: str) -> dict[str, object]:
    """Return the fields of a `Cdr` event."""
    write = jalali if push.dates == "jalali" else gregorian
    word = disposition(call)
    fields: dict[str, object] = {
        "starttime": write(_began(call), zone),
        "endtime": write(_ended(call), zone),
        "src": call.src,
        "dst": call.dst,
        "type": call.type,
        "disposition": _TITLES[word] if push.values == "title" else word,
        "duration": call.ring_time + call.talk_time,
        "billsec": call.talk_time,
        "wait": call.ring_time,
        "record": _recording(call, zone),
        "entry_point": call.point if call.incoming else "",
        "outgoing_point": "" if call.incoming else call.point,
    }
    return fields


def row(
    object_id: str, sequence: int, call: SandboxCall, style: ReportStyle, zone: str
) -> dict[str, object]:
    """Return a call's row in the report."""
    fields = {
        **_identity(object_id, sequence, call),
        **_channels(call),
        **_times(call, style, zone),
        **_outcome(call),
        "record": _recording(call, zone),
    }
    if style.numbers == "strings":
        return {
            key: str(value) if isinstance(value, int) else value
            for key, value in fields.items()
        }
    return fields


def _identity(object_id: str, sequence: int, call: SandboxCall) -> dict[str, object]:
    """Return the parties and IDs; only an originated call has a request ID."""
    fields: dict[str, object] = {
        "_id": object_id,
        "type": call.type if call.result != "caller_unreachable" else "local",
        "cuid": call.unique_id,
        "uniqueid": call.unique_id,
        "clid": f'"" <{call.caller_id or call.caller}>',
        "src": call.src,
        "dst": call.dst,
        "dcontext": call.context,
        "amaflags": "DOCUMENTATION",
        "accountcode": "",
        "userfield": "",
        "sequence": str(sequence),
        "comment": "",
        "v": 2,
    }
    if call.point:
        fields["entry_point" if call.incoming else "outgoing_point"] = call.point
    if call.originated_call_id:
        fields["comment"] = f"originated call: {call.originated_call_id}"
        fields["originated_call_id"] = call.originated_call_id
    return fields


def _channels(call: SandboxCall) -> dict[str, object]:
    """Return the channels of both legs; an unreachable caller has no channel."""
    if call.result == "caller_unreachable":
        return {
            "channel": UNREACHED,
            "dstchannel": "",
            "lastapp": "Hangup",
            "lastdata": "",
        }
    built = call.result != "failed"
    mark = call.unique_id.partition(".")[2].rjust(8, "0")
    return {
        "channel": f"SIP/{call.channel or call.caller}-{mark}",
        "dstchannel": f"SIP/{call.callee}-{mark}" if built else "",
        "lastapp": "Dial" if built else "Hangup",
        "lastdata": f"SIP/{call.callee},{call.timeout},TtKk" if built else "",
    }


def _times(call: SandboxCall, style: ReportStyle, zone: str) -> dict[str, object]:
    """Return the times; `answer` is Gregorian regardless of the calendar."""
    answer: object = ""
    if call.answered is not None:
        as_export = style.dates == "mongo"
        answer = mongo(call.answered) if as_export else gregorian(call.answered, zone)
    return {
        "start": written(call.started, zone, style.dates),
        "answer": answer,
        "starttime": written(_began(call), zone, style.dates),
        "endtime": written(_ended(call), zone, style.dates),
    }


def _outcome(call: SandboxCall) -> dict[str, object]:
    """Return the disposition and durations.

    The disposition and the type are also keys with the value 1.
    """
    word = disposition(call)
    return {
        "disposition": word,
        "duration": call.ring_time + call.talk_time,
        "billsec": call.talk_time,
        "wait": call.ring_time,
        word: 1,
        call.type if call.result != "caller_unreachable" else "local": 1,
        "billsec_hhmmss": _hhmmss(call.talk_time),
        "wait_hhmmss": _hhmmss(call.ring_time),
    }


def _began(call: SandboxCall) -> float:
    return call.started if call.second_leg is None else call.second_leg


def _ended(call: SandboxCall) -> float:
    return call.started if call.ended is None else call.ended


def _recording(call: SandboxCall, zone: str) -> str:
    if call.result != "answered":
        return ""
    day = gregorian(call.started, zone)[:10].replace("-", "")
    return f"{day}_{call.unique_id}.mp3"


def _hhmmss(seconds: int) -> str:
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour:02d}:{minute:02d}:{second:02d}"
