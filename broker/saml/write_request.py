"""AuthnRequestPlan → a signed AuthnRequest, over the binding that suits the upstream."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from lxml import etree
from saml2 import ExtensionElement, saml, samlp

from broker.core.errors import PeerWithdrawn
from broker.core.ports import IdSource
from broker.messages.assertion import WrittenMessage
from broker.messages.authn_request import AuthnRequestPlan
from broker.messages.entity import EntityRecord, IdpRole
from broker.messages.inbound import Binding
from broker.saml import redirect, signature
from broker.saml.algorithms import EC, pick_signature
from broker.saml.checks import VERSION
from broker.saml.elements import write_element
from broker.saml.keys import KeyRing
from broker.saml.lexical import write_boolean, write_instant
from broker.saml.xml import ISSUER, PSC, SAML, SAMLP, serialise
from broker.vocabulary.attributes import Catalogue
from broker.vocabulary.identifiers import BINDING_POST, BINDING_REDIRECT

FIELD = "SAMLRequest"
MAX_REDIRECT_URL = 4000  # characters; far below what servers refuse, far above an ordinary signed request


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFacts:
    """What the wire needs beside the plan."""

    message_id: str
    entity_id: str  # ours, as SP
    acs_url: str
    destination: str
    is_passive: bool
    proxy_count: int | None
    now: datetime


class RequestWriter:
    """Writes our AuthnRequests."""

    def __init__(
        self, *, entity_id: str, acs_url: str, keys: Callable[[], KeyRing], ids: IdSource, catalogue: Catalogue
    ) -> None:
        self._entity_id = entity_id
        self._acs_url = acs_url
        self._keys = keys
        self._ids = ids
        self._catalogue = catalogue

    def write(
        self,
        plan: AuthnRequestPlan,
        record: EntityRecord,
        *,
        is_passive: bool,
        proxy_count: int | None,
        relay_state: str,
        now: datetime,
    ) -> tuple[Binding, WrittenMessage]:
        """The signed request. Redirect when it can; POST when the upstream has nothing else, when the URL would be
        long, when the request names a person, who then stands in no server's log of URLs, and when our key is EC:
        how an ECDSA signature is written in a URL is disputed between implementations (see `redirect`).

        Raises:
            KeyUnavailable: no active signing key.
            PeerWithdrawn: the upstream has no endpoint for either binding.

        Spec: Sweden Connect Deployment Profile 5.2 and 5.3.
        """
        key = self._keys().signing
        chosen = pick_signature(record, key.key_type)
        message_id = self._ids.message_id()

        def build(destination: str) -> etree._Element:
            facts = RequestFacts(
                message_id=message_id,
                entity_id=self._entity_id,
                acs_url=self._acs_url,
                destination=destination,
                is_passive=is_passive,
                proxy_count=proxy_count,
                now=now,
            )
            return build_request(plan, facts, self._catalogue)

        by_redirect, by_post = _locations(record)
        prefers_post = bool(plan.principal) or key.key_type == EC
        if by_redirect is not None and not (prefers_post and by_post is not None):
            url = redirect.encode(
                serialise(build(by_redirect)),
                field=FIELD,
                relay_state=relay_state,
                key=key,
                algorithm=chosen.signature_algorithm,
                destination=by_redirect,
            )
            if len(url) <= MAX_REDIRECT_URL or by_post is None:
                return Binding.REDIRECT, WrittenMessage(
                    url=url,
                    fields=(),
                    message_id=message_id,
                    signature_algorithm=chosen.signature_algorithm,
                    signing_key_id=key.key_id,
                )
        if by_post is None:
            raise PeerWithdrawn(f"{record.entity_id}: no SingleSignOnService that we can use")
        signed = signature.sign_enveloped(
            build(by_post),
            key,
            signature_algorithm=chosen.signature_algorithm,
            digest_algorithm=chosen.digest_algorithm,
            after_qname=ISSUER,
        )
        return Binding.POST, WrittenMessage(
            url=by_post,
            fields=((FIELD, base64.b64encode(signed).decode()), ("RelayState", relay_state)),
            message_id=message_id,
            signature_algorithm=chosen.signature_algorithm,
            signing_key_id=key.key_id,
        )


def build_request(plan: AuthnRequestPlan, facts: RequestFacts, catalogue: Catalogue) -> etree._Element:
    """The AuthnRequest before it is signed.

    ForceAuthn and IsPassive are always written, so that no default of the upstream decides.
    """
    request = samlp.AuthnRequest(
        id=facts.message_id,
        version=VERSION,
        issue_instant=write_instant(facts.now),
        destination=facts.destination,
        force_authn=write_boolean(plan.force_authn),
        is_passive=write_boolean(facts.is_passive),
        protocol_binding=BINDING_POST,
        assertion_consumer_service_url=facts.acs_url,
        issuer=saml.Issuer(text=facts.entity_id),
        extensions=_extensions(plan, catalogue),
        name_id_policy=samlp.NameIDPolicy(format=plan.name_id_format, allow_create=write_boolean(True)),
        requested_authn_context=samlp.RequestedAuthnContext(
            comparison="exact",
            authn_context_class_ref=[saml.AuthnContextClassRef(text=context) for context in plan.contexts],
        ),
        scoping=_scoping(plan, facts.proxy_count),
    )
    prefixes = {"saml2p": SAMLP, "saml2": SAML}
    if plan.principal:
        prefixes["psc"] = PSC
    return write_element(request, prefixes)


def _extensions(plan: AuthnRequestPlan, catalogue: Catalogue) -> samlp.Extensions | None:
    if not plan.principal:
        return None
    values = [
        ExtensionElement("MatchValue", PSC, {"Name": catalogue.get(hint.key).name}, text=hint.value)
        for hint in plan.principal
    ]
    return samlp.Extensions(extension_elements=[ExtensionElement("PrincipalSelection", PSC, children=values)])


def _scoping(plan: AuthnRequestPlan, proxy_count: int | None) -> samlp.Scoping | None:
    if not plan.idp_list and not plan.requester_ids and proxy_count is None:
        return None
    entries = [samlp.IDPEntry(provider_id=provider) for provider in plan.idp_list]
    return samlp.Scoping(
        proxy_count=None if proxy_count is None else str(proxy_count),
        idp_list=samlp.IDPList(idp_entry=entries) if entries else None,
        requester_id=[samlp.RequesterID(text=requester) for requester in plan.requester_ids],
    )


def _locations(record: EntityRecord) -> tuple[str | None, str | None]:
    role: IdpRole | None = record.idp
    found: dict[str, str] = {}
    for endpoint in role.sso if role else ():
        found.setdefault(endpoint.binding, endpoint.location)
    return found.get(BINDING_REDIRECT), found.get(BINDING_POST)
