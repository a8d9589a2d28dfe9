"""One federation of strangers: a Shibboleth SP, the broker, and two SimpleSAMLphp installations."""

import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, BrowserContext
from support.apache import need_apache, run_apache, write_apache_config
from support.interop_federation import Federation
from support.programs import fetch, free_port, give_away, need_program, open_folder
from support.running_broker import CHANGES_SEEN_WITHIN_S, Installation, make_installation, serving
from support.shibboleth import ShibbolethSp, run_shibd
from support.simplesaml import LOA3, SimpleSamlIdp

PNR_CATEGORY = "http://id.elegnamnden.se/ec/1.0/loa3-pnr"


def wait_until_offered(broker: Installation, e_service: ShibbolethSp, idps: tuple[SimpleSamlIdp, ...]) -> None:
    """Return when a login at `e_service` is offered every one of `idps`; the running broker has five seconds to
    notice that they were added."""
    tls = ssl.create_default_context(cafile=e_service.tls_certificate)
    until = time.monotonic() + CHANGES_SEEN_WITHIN_S
    page = ""
    while time.monotonic() < until:
        browser = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=tls), urllib.request.HTTPCookieProcessor()
        )
        try:
            with browser.open(f"{e_service.url}/protected", timeout=10) as answer:
                page = answer.read().decode()
        except urllib.error.HTTPError as error:
            page = error.read().decode()
        if all(f'value="{idp.entity_id}"' in page for idp in idps):
            return
        time.sleep(0.25)
    raise AssertionError(f"the added peers were not offered within {CHANGES_SEEN_WITHIN_S} s; the last page:\n{page}")


@pytest.fixture(scope="session")
def federation() -> Iterator[Federation]:
    """Everybody is set up from the others' own metadata, the way an administrator would do it."""
    need_apache()
    need_program("shibd", "libapache2-mod-shib")
    with ExitStack() as stack:
        folder = stack.enter_context(open_folder("broker-interop-"))
        hosts = ("127.0.0.2", "127.0.0.3", "127.0.0.4")
        port = free_port(*hosts)
        e_service = ShibbolethSp(folder=folder / "shibboleth", address=f"{hosts[0]}:{port}")
        upstream = SimpleSamlIdp(
            folder=folder / "idp", address=f"{hosts[1]}:{port}", name="Stads-ID", sign_assertion=False
        )
        other = SimpleSamlIdp(
            folder=folder / "other", address=f"{hosts[2]}:{port}", name="Lands-ID", sign_assertion=True
        )

        broker = make_installation(folder / "broker", bind=f"127.0.0.1:{free_port('127.0.0.1')}")
        stack.enter_context(serving(broker))

        e_service.write_config(idp_entity_id=broker.idp_entity_id, idp_signer=broker.signing_certificate)
        e_service.idp_metadata.write_bytes(fetch(broker.idp_metadata_url))
        for idp in (upstream, other):
            idp.write_config()
            idp.sp_metadata.write_bytes(fetch(broker.sp_metadata_url))
        apache_config = write_apache_config(
            folder,
            listen=[e_service.address, upstream.address, other.address],
            sites=e_service.site() + upstream.site() + other.site(),
            shibboleth=e_service.config,
        )
        for part in (e_service.folder, upstream.folder, other.folder):
            give_away(part)
        give_away(folder, deep=False)
        stack.enter_context(run_shibd(e_service))
        apache = stack.enter_context(run_apache(folder, apache_config))
        apache.wait_for(f"{e_service.url}/", certificate=e_service.tls_certificate)

        metadata = folder / "e-service.xml"
        metadata.write_bytes(fetch(e_service.metadata_url, certificate=e_service.tls_certificate))
        broker.run("metadata", "add", metadata, "--kind", "e-service", "--category", PNR_CATEGORY)
        for idp in (upstream, other):
            metadata = folder / f"{idp.folder.name}.xml"
            metadata.write_bytes(fetch(idp.metadata_url))
            broker.run("metadata", "add", metadata, "--kind", "upstream", "--loa", LOA3)
        wait_until_offered(broker, e_service, (upstream, other))
        yield Federation(broker=broker, e_service=e_service, upstream=upstream, other_upstream=other)


@pytest.fixture
def citizen(chromium: Browser) -> Iterator[BrowserContext]:
    """A citizen's browser without history. The e-service's certificate is self-signed."""
    context = chromium.new_context(ignore_https_errors=True, locale="sv-SE")
    context.set_default_timeout(15_000)
    yield context
    context.close()
