"""The domain's commands: everything a connected person can do, one method a command."""

from contract.errors import AccessError, ErrorCode
from contract.ids import AppointmentId
from rooms.messages import (
    AcceptConsent,
    CheckAdmission,
    Done,
    FinishConsultation,
    JoinResult,
    JoinRoom,
    LeaveRoom,
    MediaAnswer,
    OfferMedia,
    ReceiveMedia,
    RemoveParticipant,
    SetMediaState,
    VerdictView,
)
from rooms.outbox import Caller


class NotAdmitted(AccessError):
    """The person may not come in just now; `verdict` says why, and what to do."""

    def __init__(self, verdict: VerdictView) -> None:
        super().__init__(ErrorCode.NOT_ADMITTED, verdict.code.value)
        self.verdict = verdict


class Consultations:
    """Commands raise only `KonsiliumError`s. Events go out through the outbox."""

    async def connect(self, caller: Caller) -> VerdictView:
        """A socket connected: it waits in the lobby and is told of every change of its verdict."""
        raise NotImplementedError

    async def disconnect(self, caller: Caller) -> None:
        """A socket is gone: the lobby forgets it; its seat is kept for a while."""
        raise NotImplementedError

    async def check_admission(self, caller: Caller, command: CheckAdmission) -> VerdictView:
        raise NotImplementedError

    async def accept_consent(self, caller: Caller, command: AcceptConsent) -> VerdictView:
        raise NotImplementedError

    async def join(self, caller: Caller, command: JoinRoom) -> JoinResult:
        """Raises `NotAdmitted`, `ConflictError(ALREADY_INSIDE)`, or what `MediaPort.offer` raises."""
        raise NotImplementedError

    async def leave(self, caller: Caller, command: LeaveRoom) -> Done:
        raise NotImplementedError

    async def offer_media(self, caller: Caller, command: OfferMedia) -> MediaAnswer:
        raise NotImplementedError

    async def set_media_state(self, caller: Caller, command: SetMediaState) -> Done:
        raise NotImplementedError

    async def receive_media(self, caller: Caller, command: ReceiveMedia) -> Done:
        raise NotImplementedError

    async def finish(self, caller: Caller, command: FinishConsultation) -> Done:
        raise NotImplementedError

    async def remove_participant(self, caller: Caller, command: RemoveParticipant) -> Done:
        raise NotImplementedError

    async def appointment_changed(self, appointment: AppointmentId) -> None:
        """An appointment was changed from outside (after commit): verdicts and notices are told anew."""
        raise NotImplementedError

    async def clock_moved(self) -> None:
        """The injected clock jumped (demo only): every verdict is looked at anew."""
        raise NotImplementedError
