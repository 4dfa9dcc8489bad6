"""``engine.analysis`` and ``engine.advisor``: where an image's bytes went, and getting them back."""
