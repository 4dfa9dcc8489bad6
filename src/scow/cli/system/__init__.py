"""The store and the machine as a whole."""
