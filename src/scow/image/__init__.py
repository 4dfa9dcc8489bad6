"""Images as values, and the one place where content and layers meet: unpacking, and adding layers."""
