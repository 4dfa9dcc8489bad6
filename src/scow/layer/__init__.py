"""Layers: tar changesets read, judged, applied to a tree, made from a tree, and merged. Bytes come in as readers."""
