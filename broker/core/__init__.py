"""Domain types and policy. Standard library only; no XML, HTTP, store, clock or configuration.

A `LoginRequest` is what an e-service asked; an `AuthenticatedPerson` is what an upstream answered;
`discovery`, `assurance`, `release` and `subject` decide what follows from the two.
"""
