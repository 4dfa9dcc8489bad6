"""Verbs of containers, and the flags that make one."""
