"""Who holds bytes: the protocols of a target, the local store, archives, and the one graph copy between them."""
