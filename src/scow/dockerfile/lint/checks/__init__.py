"""The rules, one module per subject; each ends in its table."""
