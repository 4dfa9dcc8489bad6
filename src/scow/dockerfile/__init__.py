"""The Dockerfile language, pure: text -> instructions with source spans -> stages; shell words; ignore patterns."""
