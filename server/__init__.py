"""The composition root: configuration, command line, wiring, supervision of processes. Nobody imports it."""
