"""Which packages an image holds, read from its layers: bytes → packages per file, files → a record per layer, records →
the catalog of the image."""
