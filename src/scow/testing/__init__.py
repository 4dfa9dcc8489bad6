"""Shipped for users and used by our own tests: an in-process registry, random images, contract suites."""
