"""The aggregate is signed as Sweden Connect's is, and says what the parties declare."""

import re
import subprocess
from pathlib import Path

import pytest
from support.peers import PORT, Peers
from support.programs import need_program

from broker.demo.federation import the_federation
from broker.demo.party_metadata import describe_federation


@pytest.fixture(scope="module")
def aggregate(peers: Peers) -> str:
    members = [(party, peers.keys.of(party.key)) for party in the_federation(PORT).upstreams.values()]
    return describe_federation(members, peers.keys.of("signer"), "urn:x:demo")


def verify(xml: str, certificate: Path, folder: Path) -> bool:
    file = folder / "aggregate.xml"
    file.write_text(xml, encoding="utf-8")
    program = need_program("xmlsec1", "xmlsec1")
    element = "urn:oasis:names:tc:SAML:2.0:metadata:EntitiesDescriptor"
    command = [program, "--verify", "--pubkey-cert-pem", str(certificate), "--id-attr:ID", element, str(file)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_the_signer_signed_it(peers: Peers, aggregate: str, tmp_path: Path) -> None:
    assert verify(aggregate, peers.keys.of("signer").certificate, tmp_path)


def test_a_changed_one_does_not_verify(peers: Peers, aggregate: str, tmp_path: Path) -> None:
    assert not verify(
        aggregate.replace("loa/1.0/loa3<", "loa/1.0/loa4<"), peers.keys.of("signer").certificate, tmp_path
    )


def test_nobody_else_signed_it(peers: Peers, aggregate: str, tmp_path: Path) -> None:
    assert not verify(aggregate, peers.keys.of("stranger").certificate, tmp_path)


def test_it_is_current_and_canonicalised_with_comments(aggregate: str) -> None:
    assert re.search(r'<\w+:EntitiesDescriptor [^>]*validUntil="\d{4}-[^"]+Z" cacheDuration="PT5H"', aggregate)
    assert "http://www.w3.org/2001/10/xml-exc-c14n#WithComments" in aggregate


@pytest.mark.parametrize("key", sorted(the_federation(PORT).upstreams))
def test_every_upstream_declares_its_levels_categories_and_scopes(aggregate: str, key: str) -> None:
    party = the_federation(PORT).upstreams[key]
    [described] = [part for part in aggregate.split("<ns0:EntityDescriptor")[1:] if f'"{party.entity_id}"' in part]
    for declared in (*party.levels, *party.categories, *party.scopes):
        assert f">{declared}<" in described


def test_an_e_service_declares_its_categories_ciphers_and_default_address(peers: Peers) -> None:
    party = peers.e_service_party("etablering")
    described = peers.metadata(party)
    for declared in party.categories:
        assert f">{declared}<" in described
    for cipher in party.ciphers:
        assert f'EncryptionMethod Algorithm="{cipher}"' in described
    assert 'index="1" isDefault="true"' in described
    assert 'AuthnRequestsSigned="true" WantAssertionsSigned="true"' in described
