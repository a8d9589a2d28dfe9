"""Metadata of the simulated parties, written and signed by pysaml2 and xmlsec1."""

from collections.abc import Iterable, Sequence

from saml2 import class_name, md
from saml2.config import Config, IdPConfig, SPConfig
from saml2.metadata import entity_descriptor
from saml2.s_utils import sid
from saml2.sigver import pre_signature_part, security_context
from saml2.time_util import in_a_while
from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256, TRANSFORM_C14N_WITH_COMMENTS

from broker.demo.federation import EServiceParty, UpstreamParty
from broker.demo.keys import KeyFiles
from broker.demo.peer_config import e_service_settings, upstream_settings

AGGREGATE_LIFETIME_D = 10
CACHE_DURATION = "PT5H"


def _declare_ciphers(keys: Iterable[md.KeyDescriptor], ciphers: Sequence[str]) -> None:
    for descriptor in keys:
        if descriptor.use == "encryption":
            descriptor.encryption_method = [md.EncryptionMethod(algorithm=cipher) for cipher in ciphers]


def describe_e_service(party: EServiceParty, keys: KeyFiles) -> str:
    """The EntityDescriptor of an e-service, unsigned, as its owner would mail it to the broker's administrator."""
    entity = entity_descriptor(SPConfig().load(e_service_settings(party, keys)))
    role = entity.spsso_descriptor
    role.assertion_consumer_service[0].is_default = "true"
    _declare_ciphers(role.key_descriptor, party.ciphers)
    return str(entity)


def describe_upstream(party: UpstreamParty, keys: KeyFiles) -> str:
    """The EntityDescriptor of an upstream, unsigned."""
    return str(entity_descriptor(IdPConfig().load(upstream_settings(party, keys))))


def describe_federation(upstreams: Sequence[tuple[UpstreamParty, KeyFiles]], signer: KeyFiles, name: str) -> str:
    """A signed aggregate of `upstreams` in the shape of Sweden Connect's, with validUntil and cacheDuration.

    Its signature uses the #WithComments canonicalisation, as production does.
    """
    config = Config()
    config.key_file = str(signer.key)
    config.cert_file = str(signer.certificate)
    security = security_context(config)
    identifier = sid()
    signature = pre_signature_part(identifier, security.my_cert, sign_alg=SIG_RSA_SHA256, digest_alg=DIGEST_SHA256)
    signature.signed_info.reference.transforms.transform[1].algorithm = TRANSFORM_C14N_WITH_COMMENTS
    aggregate = md.EntitiesDescriptor(
        signature=signature,
        entity_descriptor=[
            entity_descriptor(IdPConfig().load(upstream_settings(party, keys))) for party, keys in upstreams
        ],
        valid_until=in_a_while(days=AGGREGATE_LIFETIME_D),
        cache_duration=CACHE_DURATION,
        id=identifier,
        name=name,
    )
    signed: str = security.sign_statement(str(aggregate), class_name(aggregate))
    return signed
