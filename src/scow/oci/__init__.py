"""The OCI specifications as types. Pure: no I/O, no clock, no environment."""
