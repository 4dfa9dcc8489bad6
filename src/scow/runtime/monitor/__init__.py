"""What stays with a container as long as it runs: its streams, log, health and restarts. Light."""
