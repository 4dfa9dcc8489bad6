"""Builds: Dockerfile stages and arguments → a graph of ops (pure) → executed, with a cache keyed by content."""
