"""The ground the suite stands on: real registries, real peers, real root file systems, real users. No mocks."""
