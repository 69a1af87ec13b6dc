"""Benchmarks of a whole ASCI, run by ``make bench`` and never by tests. ``python -m tests.load --help``."""
