"""``engine.volumes``: directories that outlive containers."""
