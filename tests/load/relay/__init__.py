"""The relay beside its peers: ``make bench-relay``. README.md says how to read it."""
