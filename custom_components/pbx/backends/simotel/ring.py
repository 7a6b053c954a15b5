"""Ring a phone of a Simotel by a short call to another one.

The API cannot play a sound to a phone, so two phones are connected. The result is read
from the CDR report, where the account may read it.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from ..base import CallRequest, Clock
from ..errors import CallUncertainError, DeniedError, PbxError
from ..ring_result import RingOutcome, RingResult
from ..updates import CallResult, CallUpdate
from .client import SimotelClient
from .report import best_first, cursor_before

# Seconds after which the two phones are disconnected.
TALK_TIME: Final = 10
# Seconds between two requests for the report, by which a row may be late, and before
# the call from which the report is read.
INTERVAL: Final = 2
GRACE: Final = 10
_MARGIN: Final = 60
# Pages of the report that are read at once.
MAX_PAGES: Final = 50

_OUTCOMES: Final = {
    CallResult.ANSWERED: RingOutcome.WORKS,
    CallResult.NO_ANSWER: RingOutcome.SECOND_NOT_ANSWERED,
    CallResult.BUSY: RingOutcome.SECOND_NOT_ANSWERED,
    CallResult.DECLINED: RingOutcome.SECOND_NOT_ANSWERED,
    CallResult.FAILED: RingOutcome.SECOND_NOT_ANSWERED,
    CallResult.CALLER_UNREACHABLE: RingOutcome.FIRST_NOT_ANSWERED,
}


async def ring_phones(
    client: SimotelClient, request: CallRequest, clock: Clock
) -> RingResult:
    """Connect the caller and the callee of a request, as `Backend.ring` does."""
    began_at = clock.time()
    try:
        call_id = await client.originate(replace(request, call_limit=TALK_TIME))
    except CallUncertainError:
        call_id = None
    if call_id is None:
        return RingResult(RingOutcome.UNDETERMINED)
    cursor = cursor_before(began_at + client.clock_offset - _MARGIN)
    deadline = began_at + 2 * request.timeout + TALK_TIME + GRACE
    while clock.time() < deadline:
        try:
            updates, cursor = await _read(client, cursor)
        except DeniedError:
            break
        except PbxError:
            # The PBX may answer again before the deadline.
            updates = ()
        for update in best_first(updates):
            if update.originated_call_id == call_id:
                return RingResult(_outcome(update))
        await clock.sleep(INTERVAL)
    return RingResult(RingOutcome.UNDETERMINED)


async def _read(client: SimotelClient, cursor: str) -> tuple[Sequence[CallUpdate], str]:
    """Return the ends of calls after a cursor, and the cursor of the next reading.

    Raises:
        PbxError: the account is not allowed to read them, or the request failed.
    """
    updates: list[CallUpdate] = []
    for _ in range(MAX_PAGES):
        page = await client.read_report(cursor, "")
        updates += page.updates
        cursor = page.cursor
        if page.is_last:
            break
    return updates, cursor


def _outcome(update: CallUpdate) -> RingOutcome:
    result = update.result or CallResult.UNDETERMINED
    return _OUTCOMES.get(result, RingOutcome.UNDETERMINED)
