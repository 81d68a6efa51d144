"""The thin bridge to booking systems: signed webhooks in, links out."""
