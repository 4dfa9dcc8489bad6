"""What is wrong, dear or dangerous in a Dockerfile that would build: rules as data, over the parsed instructions."""
