"""Peers on stock pysaml2 in the test's own process: an e-service and an upstream, with all of its checks on.

They are the demo's simulated parties, given each other's (or the broker's) metadata as text instead of by HTTP.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT

from broker.demo.e_service import Sent, SimulatedEService
from broker.demo.federation import EServiceParty, UpstreamParty, the_federation
from broker.demo.keys import KeyFiles, make_key
from broker.demo.party_metadata import describe_e_service, describe_upstream
from broker.demo.upstream import Asked, SimulatedUpstream

POST = BINDING_HTTP_POST
REDIRECT = BINDING_HTTP_REDIRECT
PORT = 8700


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerKeys:
    """One key per name, made when first asked for."""

    folder: Path
    _made: dict[str, KeyFiles] = field(default_factory=dict)

    def of(self, name: str) -> KeyFiles:
        if name not in self._made:
            self._made[name] = make_key(self.folder, name)
        return self._made[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Peers:
    """Builds peers over one set of keys."""

    keys: PeerKeys

    def e_service_party(self, key: str = "bygglov", **changes: Any) -> EServiceParty:
        """One of the demo's e-services, with changes; another `key` makes another entity."""
        e_services = the_federation(PORT).e_services
        return replace(e_services.get(key, e_services["bygglov"]), key=key, **changes)

    def upstream_party(self, key: str = "bankid", **changes: Any) -> UpstreamParty:
        """One of the demo's upstreams, with changes; another `key` makes another entity."""
        upstreams = the_federation(PORT).upstreams
        return replace(upstreams.get(key, upstreams["bankid"]), key=key, **changes)

    def metadata(self, party: EServiceParty | UpstreamParty) -> str:
        """The EntityDescriptor of a party, unsigned."""
        keys = self.keys.of(party.key)
        return describe_e_service(party, keys) if isinstance(party, EServiceParty) else describe_upstream(party, keys)

    def e_service(self, party: EServiceParty, *trusted: str, **changes: Any) -> SimulatedEService:
        """A running e-service that trusts the IdPs in `trusted` (metadata); `changes` are pysaml2's SP settings."""
        return SimulatedEService(party, self.keys.of(party.key), {"inline": list(trusted)}, **changes)

    def upstream(self, party: UpstreamParty, *trusted: str, **changes: Any) -> SimulatedUpstream:
        """A running IdP that trusts the SPs in `trusted` (metadata); `changes` are pysaml2's IdP settings."""
        return SimulatedUpstream(party, self.keys.of(party.key), {"inline": list(trusted)}, **changes)

    def acquainted(
        self, e_service: EServiceParty, upstream: UpstreamParty
    ) -> tuple[SimulatedEService, SimulatedUpstream]:
        """An e-service and an upstream that trust each other, without a broker between them."""
        return (
            self.e_service(e_service, self.metadata(upstream)),
            self.upstream(upstream, self.metadata(e_service)),
        )


def carry_request(sent: Sent, upstream: SimulatedUpstream) -> Asked:
    """What the browser does with a request."""
    if sent.fields is not None:
        return upstream.read_request(POST, sent.fields)
    return upstream.read_request(REDIRECT, dict(parse_qsl(urlsplit(sent.url).query, keep_blank_values=True)))
