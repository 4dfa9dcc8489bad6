"""What the kernel is asked and told: calls that Python has no name for, cgroups, /proc, devices."""
