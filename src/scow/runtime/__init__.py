"""Starting processes: an image's config and a user's options become a runtime-spec, and an OCI runtime or the embedded
sandbox runs it. The modules the launcher loads import nothing heavy: they are on the way of every start."""
