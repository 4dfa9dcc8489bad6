"""``engine.sizes``: where an image's bytes went, and getting them back."""
