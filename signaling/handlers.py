"""Which method of the domain does which command."""

from rooms.consultations import Consultations
from signaling.dispatch import Handler


def consultation_handlers(consultations: Consultations) -> dict[str, Handler]:
    """One entry per command of `rooms.messages.COMMANDS`."""
    return {
        "admission.check": consultations.check_admission,
        "consent.accept": consultations.accept_consent,
        "payment.returned": consultations.payment_returned,
        "room.join": consultations.join,
        "room.leave": consultations.leave,
        "media.servers": consultations.media_servers,
        "media.offer": consultations.offer_media,
        "media.state": consultations.set_media_state,
        "media.view": consultations.view_media,
        "screen.share": consultations.share_screen,
        "screen.stop": consultations.stop_screen,
        "consultation.finish": consultations.finish,
        "participant.remove": consultations.remove_participant,
    }
