"""The parties of the interop tests, and what a citizen does on their pages."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from playwright.sync_api import Error, Page
from support.running_broker import Installation
from support.shibboleth import ShibbolethSp
from support.simplesaml import PASSWORD, USER, SimpleSamlIdp


@dataclass(frozen=True, slots=True, kw_only=True)
class Federation:
    """The parties, registered with each other and running."""

    broker: Installation
    e_service: ShibbolethSp
    upstream: SimpleSamlIdp
    other_upstream: SimpleSamlIdp

    def choose_only(self, page: Page, upstream: SimpleSamlIdp) -> None:
        """On the broker's chooser, choose `upstream`."""
        page.locator(f'button[name="upstream"][value="{upstream.entity_id}"]').click()

    def choose(self, page: Page, upstream: SimpleSamlIdp) -> None:
        """The same, and its login page appears."""
        self.choose_only(page, upstream)
        page.wait_for_url(f"{upstream.base_url}/**")

    def authenticate(self, page: Page) -> None:
        """On SimpleSAMLphp's page, type name and password."""
        page.locator("#username").fill(USER)
        page.locator("#password").fill(PASSWORD)
        page.locator("#submit_button").click()

    def arrive(self, page: Page, path: str) -> Mapping[str, str]:
        """What the e-service's page at `path` shows, once the browser gets there: the environment that Shibboleth
        gives to an application."""
        try:
            page.wait_for_url(f"{self.e_service.url}{path}")
        except Error:
            text = page.locator("body").inner_text()
            raise AssertionError(
                f"at {page.url}, not at {path}:\n{text}\n\nShibboleth:\n{self.e_service.said()}"
            ) from None
        return cast(Mapping[str, str], json.loads(page.locator("body").inner_text()))
