"""The command line: one file per group of verbs, which parses, calls one engine method and renders.

Only this room reads argv, the environment and the terminal. The pure rendering parts (``gotemplate``, ``units``,
``table``, ``filters``) know nothing of images or of click.
"""
