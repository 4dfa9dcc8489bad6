"""A catalog as a bill of materials: CycloneDX, SPDX or plain JSON. The same catalog gives the same bytes. Pure."""
