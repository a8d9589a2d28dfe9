"""A simulated IdP on stock pysaml2: reads AuthnRequests with every check on, writes signed and encrypted Responses."""

import base64
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from tempfile import NamedTemporaryFile
from typing import Any, Literal

from saml2 import BINDING_HTTP_POST, class_name
from saml2.assertion import Policy
from saml2.config import IdPConfig
from saml2.saml import (
    NAME_FORMAT_URI,
    NAMEID_FORMAT_PERSISTENT,
    NAMEID_FORMAT_TRANSIENT,
    AuthenticatingAuthority,
    NameID,
)
from saml2.server import Server
from saml2.sigver import pre_encrypt_assertion, pre_encryption_part, pre_signature_part, signed_instance_factory
from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256

from broker.demo import words
from broker.demo.attributemaps.sweden_connect import NAMES
from broker.demo.federation import UpstreamParty
from broker.demo.keys import KeyFiles
from broker.demo.peer_config import LIFETIME, PeerMetadata, upstream_settings

Sign = Literal["response", "both"]


class RequestRefused(Exception):
    """The AuthnRequest is not acceptable; nobody is answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A form for the browser to post."""

    url: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What an accepted AuthnRequest says."""

    request_id: str
    sender: str
    sender_names: Mapping[str, str]  # language -> mdui:DisplayName
    answer_url: str
    relay_state: str | None
    contexts: tuple[str, ...]
    comparison: str | None
    force_authn: bool
    is_passive: bool
    idp_list: tuple[str, ...]
    requester_ids: tuple[str, ...]
    name_id_format: str
    issue_instant: str


class SimulatedUpstream:
    """One IdP. `metadata` says whom it trusts, in pysaml2's terms; `changes` replace settings of its service."""

    def __init__(self, party: UpstreamParty, keys: KeyFiles, metadata: PeerMetadata, **changes: Any) -> None:
        self.party = party
        self._server = Server(config=IdPConfig().load(upstream_settings(party, keys, metadata, **changes)))
        self._name_id_secret = secrets.token_bytes(16)

    def read_request(self, binding: str, fields: Mapping[str, str]) -> Asked:
        """Verify an AuthnRequest by POST or Redirect. Raises RequestRefused."""
        relay_state = fields.get("RelayState")
        try:
            request = self._server.parse_authn_request(
                fields["SAMLRequest"],
                binding,
                relay_state=relay_state,
                sigalg=fields.get("SigAlg"),
                signature=fields.get("Signature"),
            )
        except Exception as problem:  # pysaml2 raises nearly anything, and each means no
            raise RequestRefused(f"{type(problem).__name__}: {problem}") from problem
        if request is None:
            raise RequestRefused("pysaml2 could not read the request")
        message = request.message
        sender = message.issuer.text.strip()
        if not message.destination:
            raise RequestRefused("the request has no Destination")
        wanted = message.requested_authn_context
        scoping = message.scoping
        idp_list = scoping.idp_list.idp_entry if scoping and scoping.idp_list else []
        return Asked(
            request_id=message.id,
            sender=sender,
            sender_names=self._names(sender),
            answer_url=self._answer_url(sender, message.assertion_consumer_service_url),
            relay_state=relay_state,
            contexts=tuple(ref.text.strip() for ref in wanted.authn_context_class_ref) if wanted else (),
            comparison=wanted.comparison if wanted else None,
            force_authn=message.force_authn in ("true", "1"),
            is_passive=message.is_passive in ("true", "1"),
            idp_list=tuple(entry.provider_id for entry in idp_list),
            requester_ids=tuple(item.text.strip() for item in scoping.requester_id) if scoping else (),
            name_id_format=(message.name_id_policy and message.name_id_policy.format) or NAMEID_FORMAT_PERSISTENT,
            issue_instant=message.issue_instant,
        )

    def releasable(self, sender: str) -> frozenset[str]:
        """Friendly names of what `sender` may have: the sets of the categories in common, and what it requests."""
        declared = set(self._server.metadata.entity_categories(sender)) & set(self.party.categories)
        requested = self._server.metadata.attribute_requirement(sender) or {}
        names = {attribute["name"] for wanted in requested.values() for attribute in wanted}
        asked = {friendly for friendly, name in NAMES.items() if name in names}
        promised = frozenset(asked).union(*(words.ATTRIBUTE_SETS.get(category, ()) for category in declared))
        return promised if self.party.knows is None else promised & self.party.knows

    def grant(
        self,
        asked: Asked,
        attributes: Mapping[str, str | Sequence[str]],
        context: str,
        *,
        person: str,
        authorities: Sequence[str] = (),
        address: str | None = None,
        cipher: str | None = None,
        sign: Sign | None = None,
    ) -> Form:
        """The Response that says who somebody is: signed, with the assertion encrypted by AES."""
        data = {"address": address} if address else {}
        subject = {"subject": {"subject_confirmation": {"subject_confirmation_data": data}}}
        response = self._server.create_authn_response(
            {name: [value] if isinstance(value, str) else list(value) for name, value in attributes.items()},
            asked.request_id,
            asked.answer_url,
            asked.sender,
            name_id=self._name_id(asked, person),
            authn={"class_ref": context},
            # Without `mds`, pysaml2 does not cut the attributes down to RequestedAttribute alone.
            release_policy=Policy({"default": {"lifetime": LIFETIME, "name_form": NAME_FORMAT_URI}}),
            farg={"assertion": subject},
            sign_response=False,
            sign_assertion=False,
            encrypt_assertion=False,
        )
        [statement] = response.assertion.authn_statement
        statement.authn_context.authenticating_authority = [AuthenticatingAuthority(text=text) for text in authorities]
        sign_both = self.party.sign_assertion if sign is None else sign == "both"
        block = cipher or self._cipher(asked.sender)
        return self._form(asked, self._seal(response, asked.sender, block, sign_assertion=sign_both))

    def refuse(self, asked: Asked, top: str, second: str | None, message: str = "") -> Form:
        """A signed error Response: `top` and `second` are status codes."""
        response = self._server.create_error_response(
            asked.request_id, asked.answer_url, (second or top, message or None), sign=False
        )
        response.status.status_code.value = top
        if second is None:
            response.status.status_code.status_code = None
        response.signature = self._signature(response.id)
        signed = signed_instance_factory(response, self._server.sec, [(class_name(response), response.id)])
        return self._form(asked, signed)

    def _seal(self, response: Any, receiver: str, cipher: str, *, sign_assertion: bool) -> str:
        """What pysaml2 does when it encrypts by itself, with another cipher than its 3DES.

        The cipher and the session key are parameters of its own functions; only its one-call front offers no
        way to pass them.
        """
        assertion = response.assertion
        to_sign = []
        if sign_assertion:
            assertion.signature = self._signature(assertion.id)
            to_sign.append((class_name(assertion), assertion.id))
        response.signature = self._signature(response.id)
        tag = f"{{{assertion.c_namespace}}}{assertion.c_tag}"
        identity = (class_name(response), response.id)
        plain = pre_encrypt_assertion(response).get_xml_string_with_self_contained_assertion_within_encrypted_assertion(
            tag
        )
        plain = signed_instance_factory(plain, self._server.sec, to_sign)
        certificate = self._encryption_certificate(receiver)
        with NamedTemporaryFile("w", suffix=".pem") as file:
            file.write(f"-----BEGIN CERTIFICATE-----\n{certificate}\n-----END CERTIFICATE-----\n")
            file.flush()
            template = pre_encryption_part(msg_enc=cipher, encrypt_cert=certificate)
            sealed = self._server.sec.encrypt_assertion(
                plain, file.name, template, key_type=words.SESSION_KEYS.get(cipher, "des-192")
            )
        signed: str = signed_instance_factory(sealed, self._server.sec, [identity])
        return signed

    def _signature(self, identifier: str) -> Any:
        return pre_signature_part(
            identifier, self._server.sec.my_cert, 1, sign_alg=SIG_RSA_SHA256, digest_alg=DIGEST_SHA256
        )

    def _name_id(self, asked: Asked, person: str) -> NameID:
        """Pairwise and stable, or fresh, as asked."""
        text = secrets.token_hex(16)
        if asked.name_id_format != NAMEID_FORMAT_TRANSIENT:
            text = sha256(self._name_id_secret + f"{asked.sender} {person}".encode()).hexdigest()[:40]
        return NameID(
            format=asked.name_id_format,
            name_qualifier=self.party.entity_id,
            sp_name_qualifier=asked.sender,
            text=text,
        )

    def _cipher(self, receiver: str) -> str:
        """Our preferred cipher if it is mandatory to support, or the receiver declares it; else AES-256-CBC."""
        if self.party.cipher in (words.AES128_CBC, words.AES256_CBC):
            return self.party.cipher
        declared = {
            method["algorithm"]
            for role in self._server.metadata[receiver]["spsso_descriptor"]
            for key in role.get("key_descriptor", [])
            for method in key.get("encryption_method", [])
        }
        return self.party.cipher if self.party.cipher in declared else words.AES256_CBC

    def _encryption_certificate(self, receiver: str) -> str:
        certificates = self._server.metadata.certs(receiver, "spsso", "encryption")
        if not certificates:
            raise RequestRefused("the sender has no encryption key, and nothing is sent in the clear")
        certificate: str = certificates[0][1]
        return certificate

    def _names(self, sender: str) -> Mapping[str, str]:
        names = {}
        for language in ("sv", "en"):
            texts = list(self._server.metadata.mdui_uiinfo_display_name(sender, language))
            names[language] = texts[0] if texts else sender
        return names

    def _answer_url(self, sender: str, asked: str | None) -> str:
        """The ACS that was asked for, if the sender's metadata has it; else its default one."""
        services = self._server.metadata.assertion_consumer_service(sender, BINDING_HTTP_POST)
        if asked is not None:
            if asked not in {service["location"] for service in services}:
                raise RequestRefused("AssertionConsumerServiceURL is not in the sender's metadata")
            return asked
        defaults = [service for service in services if service.get("is_default") in ("true", "1")]
        location: str = (defaults or services)[0]["location"]
        return location

    @staticmethod
    def _form(asked: Asked, xml: str) -> Form:
        fields = {"SAMLResponse": base64.b64encode(xml.encode()).decode()}
        if asked.relay_state is not None:
            fields["RelayState"] = asked.relay_state
        return Form(url=asked.answer_url, fields=fields)
