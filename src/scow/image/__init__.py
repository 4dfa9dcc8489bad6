"""Images as values, and the one place where content, layers and snapshots meet: unpacking, and adding layers."""
