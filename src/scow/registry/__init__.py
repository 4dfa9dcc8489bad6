"""The remote target: what registries speak (pure), the only sockets, and who may ask for what."""
