"""Benchmarks. Each prints tables for people and, last on standard output, one line of JSON."""
