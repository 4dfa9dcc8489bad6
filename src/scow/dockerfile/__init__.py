"""The Dockerfile language. Pure: text -> instructions with source spans -> stages; shell words; ignore patterns."""
