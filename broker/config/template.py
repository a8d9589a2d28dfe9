"""The `broker.toml` that `init` writes."""

import json

from broker.config.settings import Assurance, Environment
from broker.vocabulary.context_rules import Role, loa3_and_above, rules_for

CONNECTORS: dict[Environment, tuple[str, ...]] = {
    "production": ("https://connector.eidas.swedenconnect.se/eidas",),
    "qa": ("https://qa.connector.eidas.swedenconnect.se/eidas",),
    "test": (),
}


def render_settings(*, base_url: str, environment: Environment, assurance: Assurance, organisation: str) -> str:
    """TOML text. JSON strings are TOML basic strings, so every value is quoted by `json.dumps`."""
    quoted = json.dumps
    reviewed = "reviewed_level = 3\n" if assurance == "reviewed" else ""
    level = 3 if assurance == "reviewed" else None
    defaults = "".join(
        f"  {quoted(uri)},\n" for uri in loa3_and_above(rules_for(Role(assurance), reviewed_level=level))
    )
    connectors = ", ".join(quoted(connector) for connector in CONNECTORS[environment])
    return f"""\
# Settings of this broker. Peers (e-services, IdPs, federations) are not here: see `broker metadata`.
# Relative paths are relative to this file. Check with: broker check --config broker.toml

[broker]
base_url = {quoted(base_url)}
environment = {quoted(environment)}
assurance = {quoted(assurance)}
{reviewed}# Accepted when an e-service asks for no level and its categories imply none: LoA 3 and above.
default_contexts = [
{defaults}]
# The official Swedish eIDAS connector: the only IdP whose eIDAS levels count.
eidas_connectors = [{connectors}]
# Whose X-Forwarded-For is believed, for example ["10.0.0.0/8"].
trusted_proxies = []

[organisation]
name = {{ sv = {quoted(organisation)} }}
display_name = {{ sv = {quoted(organisation)}, en = {quoted(organisation)} }}
url = {{ sv = {quoted(base_url)} }}
# number = "2120001231"
sector = "public"

# [[organisation.contacts]]
# kind = "technical"
# email = "drift@example.se"

[service]
name = {{ sv = {quoted(f"Inloggning {organisation}")}, en = {quoted(f"Login {organisation}")} }}
description = {{ sv = "Gemensam inloggning till e-tjänster", en = "Common login to e-services" }}

[stores]
# Empty: SQLite files in data/. Several nodes: redis://… and postgresql+psycopg://…
transient = ""
durable = ""

[serve]
bind = "127.0.0.1:8080"
workers = 2
threads = 4
"""
