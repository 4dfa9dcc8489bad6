"""``engine.containers``: instances of images, their life and what is theirs."""
