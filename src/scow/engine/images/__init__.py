"""``engine.images``: images in the store, in and out of it."""
