"""What is loaded between scow and a container's program, and nothing heavy: its namespaces, mounts, network, start."""
