"""What a container is to be: an image's config and a user's options become a runtime-spec document. Pure."""
