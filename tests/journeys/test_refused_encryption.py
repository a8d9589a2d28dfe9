"""An upstream that encrypts as pysaml2 does by default, or not at all, logs nobody in; its twin by AES does."""

import base64

import pytest
from saml2.config import IdPConfig
from saml2.server import Server
from saml2.sigver import TRIPLE_DES_CBC
from support.at_upstream import AtTheUpstream

from broker.demo import words
from broker.demo.browser import WebPage
from broker.demo.peer_config import upstream_settings
from broker.demo.personas import RESIDENT
from broker.demo.run import RunningDemo
from broker.demo.upstream import Asked

pytestmark = pytest.mark.services


@pytest.fixture
def arrived(demo: RunningDemo) -> AtTheUpstream:
    """A login that waits for the upstream's answer."""
    return AtTheUpstream(demo)


def plain(arrived: AtTheUpstream, asked: Asked) -> str:
    """The same answer by pysaml2's own call, signed and not encrypted."""
    server = Server(config=IdPConfig().load(upstream_settings(arrived.party, arrived.keys, arrived.metadata)))
    response = server.create_authn_response(
        {name: [value] for name, value in RESIDENT.attributes.items()},
        asked.request_id,
        asked.answer_url,
        asked.sender,
        userid="resident",
        authn={"class_ref": words.LOA3},
        sign_response=True,
        encrypt_assertion=False,
    )
    return base64.b64encode(str(response).encode()).decode()


def is_logged_in(page: WebPage) -> bool:
    return "/received/" in page.url and 'id="level"' in page.body


def test_the_twin_by_aes_logs_in(arrived: AtTheUpstream) -> None:
    assert is_logged_in(arrived.answer(arrived.grant(words.AES128_CBC)))


def test_3des_logs_nobody_in(arrived: AtTheUpstream) -> None:
    page = arrived.answer(arrived.grant(TRIPLE_DES_CBC))
    assert not is_logged_in(page)
    assert page.status < 500


def test_an_assertion_in_the_clear_logs_nobody_in(arrived: AtTheUpstream) -> None:
    page = arrived.answer(plain(arrived, arrived.asked))
    assert not is_logged_in(page)
    assert page.status < 500
