"""Verbs between places: registries, layouts, archives."""
