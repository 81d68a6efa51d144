"""The SFU: ICE-lite port, DTLS, forwarding of encoded packets. One process a worker.

Reading order. A datagram: `port` → `switchboard` (from strangers) or `transport` → `peer_media` → `forwarder` →
`subscription` → `peer_sink`. An offer: `link_server` → `media_worker` → `sdp_read` → `negotiation` → `media_peer` →
`sdp_write`, then `media_room` for who is seen where. The process itself: `worker`.
"""
