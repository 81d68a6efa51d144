"""The worker's slow beat, for everything that no packet calls for."""

TICK_SECONDS = 0.05
"""How often the worker calls `tick` of every peer."""
