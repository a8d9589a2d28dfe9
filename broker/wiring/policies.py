"""The policies and the catalogue that the settings describe."""

from broker.config.settings import Settings
from broker.flow.policy import Policy
from broker.vocabulary.attributes import CATALOGUE, Catalogue
from broker.vocabulary.contexts import CONNECTOR_ONLY
from broker.vocabulary.policy_tables import match_tables, release_tables
from broker.wiring.opened import Opened


def build_catalogue(settings: Settings) -> Catalogue:
    """The attribute catalogue with the organisation's own attributes. Raises ConfigRejected."""
    return CATALOGUE.extended(settings.attributes)


def build_policy(opened: Opened) -> Policy:
    """Every policy of this installation. Raises ConfigRejected."""
    settings = opened.settings
    is_hub = settings.broker.assurance == "hub"
    return Policy(
        rules=settings.assurance_rules(),
        connector_only=CONNECTOR_ONLY,
        default_contexts=settings.default_contexts(),
        # A hub signs the agreements itself; behind a published broker each e-service declares its own.
        match=match_tables(settings.service.contracts if is_hub else ()),
        # Outside the federation nobody checks our scopes against our metadata.
        release=release_tables(build_catalogue(settings), None if is_hub else settings.service.scopes),
        name_id_secret=opened.name_id_secret,
        pseudonym_secret=opened.pseudonym_secret,
    )
