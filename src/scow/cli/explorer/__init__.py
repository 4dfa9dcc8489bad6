"""``explore``: an image on the full screen. Needs textual (``pip install 'scow[explore]'``)."""
