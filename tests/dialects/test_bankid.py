"""BankID by SAML: a number, names and a transaction, always."""

import pytest
from support.policy_builders import friendly, make_assertion, make_request, make_upstream

from broker.core.errors import NoUpstreamForAssurance, UpstreamAnswerIncomplete
from broker.core.login import ContextUri
from broker.core.subject import PNR
from broker.dialects.bankid import BankId
from broker.vocabulary.attributes import AUTH_CONTEXT_PARAMS, CATALOGUE, TRANSACTION
from broker.vocabulary.contexts import (
    EIDAS_NF_SUB,
    LOA2,
    LOA3,
    LOA3_NONRESIDENT,
    LOA4,
    UNCERTIFIED_EIDAS_SUB,
    UNCERTIFIED_LOA3,
)
from broker.vocabulary.values import read_parameters

DIALECT = BankId(CATALOGUE)
MANDATORY = {
    "personalIdentityNumber": "198611239883",
    "sn": "Björkängen",
    "givenName": "Åsa Maria",
    "displayName": "Åsa Maria Björkängen",
    "transactionIdentifier": "131daac9-16c6-4618-beb0-365768f37288",
}


def test_only_levels_of_people_with_a_number_are_asked_for() -> None:
    everything: tuple[ContextUri, ...] = (
        LOA4,
        LOA3,
        LOA3_NONRESIDENT,
        UNCERTIFIED_LOA3,
        LOA2,
        EIDAS_NF_SUB,
        UNCERTIFIED_EIDAS_SUB,
        ContextUri("urn:unknown"),
    )
    plan = DIALECT.ask(request=make_request(), contexts=everything, upstream=make_upstream())
    assert plan.contexts == (LOA4, LOA3, UNCERTIFIED_LOA3, LOA2)


def test_a_nonresident_level_alone_cannot_be_asked_for() -> None:
    with pytest.raises(NoUpstreamForAssurance):
        DIALECT.ask(request=make_request(), contexts=(LOA3_NONRESIDENT,), upstream=make_upstream())


@pytest.mark.parametrize("missing", MANDATORY)
def test_every_mandatory_attribute_must_come(missing: str) -> None:
    with pytest.raises(UpstreamAnswerIncomplete) as refused:
        DIALECT.understand(make_assertion(friendly(**{**MANDATORY, missing: ""})), make_upstream())
    assert f"{missing} (missing)" in refused.value.detail


def test_every_missing_attribute_is_named() -> None:
    with pytest.raises(UpstreamAnswerIncomplete) as refused:
        DIALECT.understand(make_assertion(), make_upstream())
    assert all(name in refused.value.detail for name in MANDATORY)


def test_the_order_reference_is_the_transaction() -> None:
    person = DIALECT.understand(make_assertion(friendly(**MANDATORY)), make_upstream())
    assert person.first(TRANSACTION) == "131daac9-16c6-4618-beb0-365768f37288"


def test_a_coordination_number_is_a_number() -> None:
    person = DIALECT.understand(
        make_assertion(friendly(**{**MANDATORY, "personalIdentityNumber": "197010632391"})), make_upstream()
    )
    assert person.first(PNR) == "197010632391"


@pytest.mark.parametrize(
    "written",
    [
        "bankidUserAgentAddress=192.0.2.17;bankidUhi=OZvYM9VvyiAmG7NA5jU5zqGcVpo%3D",
        "bankidUserAgentAddress=192.0.2.17 ; bankidUhi=OZvYM9VvyiAmG7NA5jU5zqGcVpo%3D;",
        "someNewFlag;bankidUserAgentAddress=192.0.2.17;bankidUhi=OZvYM9VvyiAmG7NA5jU5zqGcVpo%3D;other=",
    ],
)
def test_the_authentication_parameters_are_read_leniently(written: str) -> None:
    attributes = friendly(**MANDATORY, authContextParams=written)
    kept = DIALECT.understand(make_assertion(attributes), make_upstream()).first(AUTH_CONTEXT_PARAMS)
    assert kept is not None
    assert read_parameters(kept)["bankidUserAgentAddress"] == "192.0.2.17"
    assert read_parameters(kept)["bankidUhi"] == "OZvYM9VvyiAmG7NA5jU5zqGcVpo="


def test_authentication_parameters_that_are_none_do_not_end_the_login() -> None:
    attributes = friendly(**MANDATORY, authContextParams="=;=")
    person = DIALECT.understand(make_assertion(attributes), make_upstream())
    assert person.unknown_attributes == ("authContextParams (malformed)",)
