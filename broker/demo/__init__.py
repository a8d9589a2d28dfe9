"""The demo federation: simulated eIDs, foreign eIDAS nodes and e-services around one real broker.

Every simulated party is a process of its own on stock pysaml2 with all of its checks on, so that no reader and
writer here share code, or a misunderstanding, with the broker: nothing in this package imports `broker.saml`.
`federation` says who takes part, `upstream` and `e_service` are the two kinds of party, `run` starts everything
with the real `broker` commands, and `once` logs in through each of them with a scripted browser and checks what
the e-services received.
"""
