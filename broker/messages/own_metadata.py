"""What our own metadata say about us, decided by the settings; keys are added by saml/."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnContact:
    """One md:ContactPerson."""

    kind: str
    email: str
    telephone: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnOrganisation:
    """md:Organization. Texts by language, Swedish always among them."""

    names: Mapping[str, str]  # as registered in the agreement
    display_names: Mapping[str, str]
    urls: Mapping[str, str]
    number: str | None  # ten digits


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnAttribute:
    """An attribute that one side requests or offers."""

    name: str
    friendly: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnSide:
    """What both sides have."""

    entity_id: str
    names: Mapping[str, str]  # mdui:DisplayName
    descriptions: Mapping[str, str]
    logo_url: str
    logo_width: int  # pixels
    logo_height: int
    categories: tuple[str, ...]
    organisation: OwnOrganisation
    contacts: tuple[OwnContact, ...]
    valid_for: timedelta
    cache_for: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnSpSide:
    """The broker as SP, towards upstreams."""

    common: OwnSide
    acs_url: str
    wanted: tuple[OwnAttribute, ...]  # beyond the categories; none of them required


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnIdpSide:
    """The broker as IdP, towards e-services."""

    common: OwnSide
    sso_url: str  # the same address for both bindings
    assurance: tuple[str, ...]  # every context that it may assert
    scopes: tuple[str, ...]
    offered: tuple[OwnAttribute, ...]  # releasable beyond the categories
    principal_selection: tuple[str, ...]  # attribute Names that it can use
