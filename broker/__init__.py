"""The story of one login.

An e-service sends the citizen's browser here with an AuthnRequest. `saml` verifies it and hands `flow` a
`LoginRequest`; `core` decides which upstreams can serve it; the citizen chooses one; its `dialects` entry says
what to ask; `saml` writes it. The upstream's Response is verified by `saml` against what was asked, understood by
the dialect, and `core` decides level, attributes and subject. `saml` then writes one signed Response with one
encrypted assertion for the e-service.
"""

__version__ = "0.1.0"
