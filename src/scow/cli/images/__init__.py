"""Verbs of images in the store, of archives and of what is in an image."""
