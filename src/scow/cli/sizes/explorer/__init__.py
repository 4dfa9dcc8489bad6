"""``explore``: an image on the full screen. Only ``terminal`` draws and reads keys; the rest says what and what for."""
