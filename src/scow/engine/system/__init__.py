"""``engine.system``: the store as a whole: its use, its soundness, its waste."""
