"""Socket.IO gateway: who you are, one ordered inbox a connection, dispatch, acknowledgements.

Reading order: `gateway` → `connection` (inbox) → `session` (repeats) → `dispatch` → a domain's command → `outbox`.
"""
