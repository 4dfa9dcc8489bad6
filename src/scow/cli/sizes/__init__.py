"""Where an image's bytes went, and images made smaller."""
