"""PURE. Version orders: which of two versions of a package is the older one, as its ecosystem sees it.

An order's ``key(text)`` is a value that sorts as the ecosystem's own tools sort. A text that its ecosystem would not
take has no key: :class:`~scow.errors.Invalid` says why, and nobody guesses.
"""
