"""Where an image's bytes went, and which of them nobody needs. Pure over the layers' indexes: nothing is unpacked."""
