"""Layers: tar changesets read, judged, applied to a tree, made from one, merged, and kept. Bytes come in as readers."""
