"""File-system states: what a container's root is made of, by overlay where the kernel can, by copying where not."""
