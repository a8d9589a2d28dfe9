"""pysaml2 settings of the simulated parties: every check that the library has is on."""

from pathlib import Path
from typing import Any

from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.saml import NAME_FORMAT_URI, NAMEID_FORMAT_PERSISTENT, NAMEID_FORMAT_TRANSIENT
from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256

from broker.demo import words
from broker.demo.federation import EServiceParty, Party, UpstreamParty
from broker.demo.keys import KeyFiles
from broker.demo.personas import Texts

ATTRIBUTE_MAPS = Path(__file__).parent / "attributemaps"
ALGORITHMS = {"signing_algorithm": SIG_RSA_SHA256, "digest_algorithm": DIGEST_SHA256}
"""Part of the service: outside of it, pysaml2 does not look, and signs with SHA-1."""

SKEW_S = 5
LIFETIME = {"minutes": 5}

PeerMetadata = dict[str, list[Any]]
"""What pysaml2 calls `metadata`: {"remote": [{"url": …, "cert": …}]} in the demo, {"inline": [xml]} in tests."""


def _localised(texts: Texts) -> list[dict[str, str]]:
    return [{"text": texts.sv, "lang": "sv"}, {"text": texts.en, "lang": "en"}]


def _logo(party: Party) -> str:
    letter = party.name.en[0]
    picture = (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='80' height='80'><rect width='80' height='80' rx='12' "
        f"fill='%23{party.colour[1:]}'/><text x='40' y='54' font-family='sans-serif' font-size='42' fill='white' "
        f"text-anchor='middle'>{letter}</text></svg>"
    )
    return f"data:image/svg+xml,{picture.replace(' ', '%20').replace('<', '%3C').replace('>', '%3E')}"


def _common(party: Party, keys: KeyFiles, metadata: PeerMetadata | None) -> dict[str, Any]:
    organisation = [("Exempelkommunen", "sv"), ("Example Municipality", "en")]
    settings: dict[str, Any] = {
        "entityid": party.entity_id,
        "key_file": str(keys.key),
        "cert_file": str(keys.certificate),
        "encryption_keypairs": [{"key_file": str(keys.key), "cert_file": str(keys.certificate)}],
        "attribute_map_dir": str(ATTRIBUTE_MAPS),
        "allow_unknown_attributes": True,  # so that an attribute nobody expected is seen, not swallowed
        "accepted_time_diff": SKEW_S,
        "organization": {
            "name": organisation,
            "display_name": organisation,
            "url": [("https://www.example.se/", "sv"), ("https://www.example.se/en", "en")],
        },
        "contact_person": [
            {"contact_type": kind, "given_name": "Demo", "email_address": f"mailto:{kind}@example.se"}
            for kind in ("technical", "support")
        ],
    }
    if metadata is not None:
        settings["metadata"] = metadata
    return settings


def _entity_attribute(name: str, values: tuple[str, ...]) -> dict[str, Any]:
    return {"name": name, "format": NAME_FORMAT_URI, "values": list(values)}


def _ui_info(party: Party) -> dict[str, Any]:
    return {
        "display_name": _localised(party.name),
        "description": _localised(party.about),
        "information_url": _localised(Texts(sv=f"{party.base}/", en=f"{party.base}/?lang=en")),
        "logo": {"text": _logo(party), "width": "80", "height": "80"},
    }


def e_service_settings(
    party: EServiceParty, keys: KeyFiles, metadata: PeerMetadata | None = None, **changes: Any
) -> dict[str, Any]:
    """For `SPConfig`. `changes` replace settings of the service, for tests of other software's habits."""
    service: dict[str, Any] = {
        **ALGORITHMS,
        "endpoints": {"assertion_consumer_service": [(party.acs, BINDING_HTTP_POST)]},
        "authn_requests_signed": True,
        "want_response_signed": True,
        "want_assertions_or_response_signed": True,
        "want_assertions_signed": party.want_assertions_signed,
        "allow_unsolicited": False,
        "name_id_format": [NAMEID_FORMAT_PERSISTENT, NAMEID_FORMAT_TRANSIENT],
        "ui_info": _ui_info(party),
        "optional_attributes": list(party.wanted),
        **changes,
    }
    return {
        **_common(party, keys, metadata),
        "entity_attributes": [_entity_attribute(words.ENTITY_CATEGORY, party.categories)] if party.categories else [],
        "service": {"sp": service},
    }


def upstream_settings(
    party: UpstreamParty, keys: KeyFiles, metadata: PeerMetadata | None = None, **changes: Any
) -> dict[str, Any]:
    """For `IdPConfig`. `changes` replace settings of the service."""
    service: dict[str, Any] = {
        **ALGORITHMS,
        "endpoints": {"single_sign_on_service": [(party.sso, BINDING_HTTP_REDIRECT), (party.sso, BINDING_HTTP_POST)]},
        "want_authn_requests_signed": True,
        "sign_response": True,
        "sign_assertion": party.sign_assertion,
        "name_id_format": [NAMEID_FORMAT_PERSISTENT, NAMEID_FORMAT_TRANSIENT],
        "policy": {"default": {"lifetime": LIFETIME, "name_form": NAME_FORMAT_URI}},
        "ui_info": _ui_info(party),
        "scope": list(party.scopes),
        **changes,
    }
    declared = ((words.ASSURANCE_CERTIFICATION, party.levels), (words.ENTITY_CATEGORY, party.categories))
    return {
        **_common(party, keys, metadata),
        "entity_attributes": [_entity_attribute(name, values) for name, values in declared if values],
        "service": {"idp": service},
    }
