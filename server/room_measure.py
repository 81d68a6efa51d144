"""What a worker counted of a room, in the words of the rooms domain."""

from contract.ids import PeerId
from mediaserver.link_messages import RoomCounters
from rooms.media_port import Flow, LinkMeasure, RoomMeasure


def room_measure(counters: RoomCounters) -> RoomMeasure:
    """Counters of the worker in the domain's words. What a worker does not count is zero."""
    return RoomMeasure(
        links={
            PeerId(name): LinkMeasure(
                uplink_lost=peer.get("uplink_fraction_lost", 0) / 256,
                downlink_lost=peer.get("downlink_fraction_lost", 0) / 256,
                round_trip_seconds=peer.get("round_trip_ms", 0) / 1000,
                pictures_reduced=peer.get("pictures_reduced", 0),
                pictures_off=peer.get("pictures_off", 0),
            )
            for name, peer in counters.peers.items()
        },
        flows=tuple(
            Flow(PeerId(flow.publisher), PeerId(flow.subscriber), flow.audio, flow.video) for flow in counters.flows
        ),
    )
