"""The SFU: ICE-lite port, DTLS, forwarding of encoded packets. One process a worker."""
