"""Benchmarks. Each `python -m bench.NAME` sets itself up, prints tables for people and, last, one JSON line."""
