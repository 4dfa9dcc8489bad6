"""scow beside docker, podman, buildah and skopeo, on the same image, the same build context and the same registry."""
