"""The broker's two SAML sides in the test's own process, among peers that are given to it as metadata."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from support.key_pairs import KeyPair, make_key_pair
from support.saml_peers import ClaimedIds, CountingIds, KnownPeers, make_e_service_peer, make_upstream_peer
from support.scripted import make_request

from broker.core.decision import Released
from broker.core.login import EntityId, LoginRequest, NameIdKind, RefusedRequest
from broker.core.person import AttributeKey
from broker.core.state import UpstreamPending
from broker.demo.e_service import Sent
from broker.demo.upstream import Form
from broker.dialects import DIALECTS
from broker.flow.ports import Answered, Asked, EServicePeer, UpstreamPeer
from broker.messages.assertion import ResponsePlan, UpstreamStatus, WrittenMessage
from broker.messages.inbound import Binding, InboundMessage
from broker.saml.eservice_side import SamlEServiceSide
from broker.saml.keys import KeyEntry, KeyRing, KeyState, KeyUse, load_key_ring
from broker.saml.read_metadata import read_metadata
from broker.saml.upstream_side import SamlUpstreamSide
from broker.vocabulary.attributes import CATALOGUE

BASE = "http://127.0.0.1:8700"
IDP = f"{BASE}/saml/idp"
SP = f"{BASE}/saml/sp"
SSO = f"{BASE}/saml/idp/sso"
ACS = f"{BASE}/saml/sp/acs"
SKEW = timedelta(seconds=30)
MAX_AGE = timedelta(minutes=3)
BINDINGS = "urn:oasis:names:tc:SAML:2.0:bindings"
PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"


def _entry(use: KeyUse, keys: KeyPair) -> KeyEntry:
    return KeyEntry(use=use, state=KeyState.ACTIVE, certificate=keys.certificate, private_key=keys.key)


def make_ring() -> KeyRing:
    """One signing and one encryption key, both new."""
    signing, encryption = make_key_pair("broker signing"), make_key_pair("broker encryption")
    return load_key_ring([_entry(KeyUse.SIGNING, signing), _entry(KeyUse.ENCRYPTION, encryption)])


@dataclass(slots=True)
class BrokerSides:
    """Both sides over one ring of keys and one directory."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    directory: KnownPeers = field(default_factory=KnownPeers)
    ring: KeyRing = field(default_factory=make_ring)
    seen: ClaimedIds = field(default_factory=ClaimedIds)
    ids: CountingIds = field(default_factory=CountingIds)

    def know_e_service(self, metadata: str) -> EServicePeer:
        """Register an e-service by its metadata."""
        [entity] = read_metadata(metadata.encode(), loopback_http=True).entities
        assert entity.e_service is not None, entity.findings
        peer = make_e_service_peer(entity.e_service)
        self.directory.e_services[entity.entity_id] = peer
        return peer

    def know_upstream(self, metadata: str, dialect: str = "sweden_connect") -> UpstreamPeer:
        """Register an upstream by its metadata."""
        [entity] = read_metadata(metadata.encode(), loopback_http=True).entities
        assert entity.upstream is not None, entity.findings
        peer = make_upstream_peer(entity.upstream, dialect=dialect, contexts=entity.upstream.assurance)
        self.directory.upstream_peers[entity.entity_id] = peer
        return peer

    def read_request(self, sent: Sent) -> LoginRequest | RefusedRequest:
        """What the IdP side makes of an e-service's request."""
        side = SamlEServiceSide(
            entity_id=IDP,
            keys=lambda: self.ring,
            directory=self.directory,
            seen=self.seen,
            ids=self.ids,
            catalogue=CATALOGUE,
            clock_skew=SKEW,
            request_max_age=MAX_AGE,
        )
        if sent.fields is None:
            query = urlsplit(sent.url).query.encode()
            message = InboundMessage(binding=Binding.REDIRECT, endpoint=SSO, raw_query=query)
        else:
            message = InboundMessage(binding=Binding.POST, endpoint=SSO, fields=tuple(sent.fields.items()))
        return side.read_request(message, self.now)

    def grant(self, request: LoginRequest, attributes: Mapping[str, str]) -> WrittenMessage:
        """The IdP side's answer: `attributes` by catalogue key, the first accepted level."""
        side = SamlEServiceSide(
            entity_id=IDP,
            keys=lambda: self.ring,
            directory=self.directory,
            seen=self.seen,
            ids=self.ids,
            catalogue=CATALOGUE,
            clock_skew=SKEW,
            request_max_age=MAX_AGE,
        )
        plan = ResponsePlan(
            e_service=request.e_service,
            answer_url=request.answer_url,
            in_response_to=request.request_id,
            relay_state=request.relay_state,
            name_id="pairwise",
            name_id_kind=NameIdKind.PERSISTENT,
            context=request.accepted[0] if request.accepted else "http://id.elegnamnden.se/loa/1.0/loa3",
            authenticated_at=self.now,
            authorities=("urn:x:upstream", "urn:x:node"),
            released=tuple(
                Released(key=AttributeKey(key), values=(value,), rule="test") for key, value in attributes.items()
            ),
            client_address="127.0.0.1",
        )
        return side.write_granted(plan, self.directory.e_services[request.e_service], self.now)

    def _upstream_side(self) -> SamlUpstreamSide:
        return SamlUpstreamSide(
            entity_id=SP,
            acs_url=ACS,
            keys=lambda: self.ring,
            seen=self.seen,
            ids=self.ids,
            catalogue=CATALOGUE,
            dialects={name: make(CATALOGUE) for name, make in DIALECTS.items()},
            clock_skew=SKEW,
            response_max_age=MAX_AGE,
        )

    def ask(self, peer: UpstreamPeer) -> Asked:
        """The SP side's question, at every level that the upstream declares."""
        contexts = tuple(sorted(peer.policy.contexts))
        return self._upstream_side().ask(make_request(), contexts, peer, relay_state="login.1", now=self.now)

    def read_answer(self, asked: Asked, form: Form, peer: UpstreamPeer) -> Answered | UpstreamStatus:
        """What the SP side makes of an upstream's answer."""
        pending = UpstreamPending(
            request=make_request(),
            accepted=asked.contexts,
            upstream=EntityId(peer.policy.entity_id),
            asked=asked.contexts,
            sent_id=asked.message.message_id,
            acs_url=asked.acs_url,
            force_authn=asked.force_authn,
            attempt=1,
            sent_at=self.now,
            expires_at=self.now + timedelta(minutes=30),
        )
        message = InboundMessage(binding=Binding.POST, endpoint=form.url, fields=tuple(form.fields.items()))
        return self._upstream_side().read_answer(message, pending, peer, datetime.now(UTC))

    def idp_metadata(self) -> str:
        """What e-services must know of us, by hand."""
        return self._metadata(
            IDP,
            f'<md:IDPSSODescriptor WantAuthnRequestsSigned="true" protocolSupportEnumeration="{PROTOCOL}">'
            f"{self._keys()}"
            f'<md:SingleSignOnService Binding="{BINDINGS}:HTTP-Redirect" Location="{SSO}"/>'
            f'<md:SingleSignOnService Binding="{BINDINGS}:HTTP-POST" Location="{SSO}"/></md:IDPSSODescriptor>',
        )

    def sp_metadata(self) -> str:
        """What upstreams must know of us, by hand."""
        return self._metadata(
            SP,
            f'<md:SPSSODescriptor AuthnRequestsSigned="true" protocolSupportEnumeration="{PROTOCOL}">{self._keys()}'
            f'<md:AssertionConsumerService Binding="{BINDINGS}:HTTP-POST" Location="{ACS}" index="0" isDefault="true"/>'
            "</md:SPSSODescriptor>",
        )

    def _keys(self) -> str:
        return "".join(
            f'<md:KeyDescriptor use="{use}"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{key.certificate}'
            "</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
            for use, key in (("signing", self.ring.signing), ("encryption", self.ring.published_encryption))
        )

    @staticmethod
    def _metadata(entity_id: str, role: str) -> str:
        return (
            '<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" '
            f'xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="{entity_id}">{role}</md:EntityDescriptor>'
        )
