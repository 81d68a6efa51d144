"""The usual Python way, as a peer for comparison: aiortc's RTCPeerConnection and MediaRelay, which decode and encode.

A process of its own: one JSON request a line on standard input, one JSON answer a line on standard output.
"""

import asyncio
import json
import sys
from collections import defaultdict

from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaRelay

Request = dict[str, str]


class RelayRooms:
    """All rooms: who publishes there, and the connections, which live until the process ends."""

    def __init__(self) -> None:
        self._relay = MediaRelay()
        self._tracks: defaultdict[str, list[tuple[str, MediaStreamTrack]]] = defaultdict(list)
        self._connections: list[RTCPeerConnection] = []

    async def answer(self, request: Request) -> str:
        """`what`: publish or subscribe; `room`, `person`, `sdp` (the offer)."""
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._connections.append(connection)
        if request["what"] == "publish":

            @connection.on("track")
            def arrived(track: MediaStreamTrack) -> None:
                self._tracks[request["room"]].append((request["person"], track))

        await connection.setRemoteDescription(RTCSessionDescription(request["sdp"], "offer"))
        if request["what"] == "subscribe":
            self._send_others(connection, request)
        answer = await connection.createAnswer()
        await connection.setLocalDescription(answer)
        return connection.localDescription.sdp

    def _send_others(self, connection: RTCPeerConnection, request: Request) -> None:
        others = [track for person, track in self._tracks[request["room"]] if person != request["person"]]
        for transceiver in connection.getTransceivers():
            track = next((each for each in others if each.kind == transceiver.kind), None)
            if track is not None:
                others.remove(track)
                transceiver.sender.replaceTrack(self._relay.subscribe(track))
                transceiver.direction = "sendonly"


async def main() -> None:
    loop, rooms = asyncio.get_running_loop(), RelayRooms()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        answer = await rooms.answer(json.loads(line))
        print(json.dumps({"sdp": answer}), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
