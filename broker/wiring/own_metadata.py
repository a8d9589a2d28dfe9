"""What we publish about ourselves: from the settings and the role's tables, signed, made anew when keys change."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from broker.config.settings import Settings
from broker.core.errors import ConfigRejected
from broker.core.login import CategoryUri
from broker.core.person import AttributeKey
from broker.core.subject import COUNTRY, PNR, PRID
from broker.messages.own_metadata import OwnAttribute, OwnContact, OwnIdpSide, OwnOrganisation, OwnSide, OwnSpSide
from broker.saml.keys import KeyRing
from broker.saml.write_metadata import write_idp_metadata, write_sp_metadata
from broker.vocabulary import attributes as a
from broker.vocabulary import categories as c
from broker.vocabulary.attribute_sets import HSA_ID_SET, ORG_PERSON
from broker.vocabulary.attributes import CATALOGUE
from broker.vocabulary.context_rules import assertable
from broker.web.app import ServedLogo, builtin_logo
from broker.wiring.current_keys import CurrentKeys
from broker.wiring.opened import Opened

_VALID_FOR = timedelta(days=7)
_CACHE_FOR = timedelta(hours=24)
_MADE_ANEW_AFTER = timedelta(hours=1)
_LOGO_TYPES = {".svg": "image/svg+xml", ".png": "image/png"}
_MAX_LOGO = 64 * 1024


class OwnMetadataDocuments:
    """The two documents, signed at most once an hour per process while the keys stay the same."""

    def __init__(self, opened: Opened, keys: CurrentKeys) -> None:
        self._opened = opened
        self._keys = keys
        self._lock = threading.Lock()
        self._made: dict[str, tuple[KeyRing, datetime, bytes]] = {}

    def idp(self) -> bytes:
        """Our IdP side. Raises KeyUnavailable."""
        return self._document(
            "idp", lambda ring, now: write_idp_metadata(own_idp_side(self._opened.settings), ring, self._id(), now)
        )

    def sp(self) -> bytes:
        """Our SP side. Raises KeyUnavailable."""
        return self._document(
            "sp", lambda ring, now: write_sp_metadata(own_sp_side(self._opened.settings), ring, self._id(), now)
        )

    def _document(self, name: str, write: Callable[[KeyRing, datetime], bytes]) -> bytes:
        ring, now = self._keys(), self._opened.clock.now()
        with self._lock:
            made = self._made.get(name)
            if made is None or made[0] is not ring or now - made[1] > _MADE_ANEW_AFTER:
                made = (ring, now, write(ring, now))
                self._made[name] = made
            return made[2]

    def _id(self) -> str:
        return self._opened.ids.message_id()


def own_sp_side(settings: Settings) -> OwnSpSide:
    """What we say as SP. Spec: sweden-connect rules for SP metadata, Deployment Profile 2.1.2."""
    categories = [CategoryUri(uri) for uri in settings.service.categories]
    if settings.broker.eidas_connectors:
        categories.append(c.EIDAS_NATURAL_PERSON)
    categories.append(c.PUBLIC_SECTOR if settings.organisation.sector == "public" else c.PRIVATE_SECTOR)
    categories.extend(map(CategoryUri, settings.service.contracts))
    # Declared because we can: the binding is made at the IdP, and each e-service opts in to coordination numbers.
    categories.extend((c.SECURE_AUTHENTICATOR_BINDING, c.ACCEPTS_COORDINATION_NUMBER))
    common = _common(settings, settings.broker.sp, tuple(dict.fromkeys(categories)))
    return OwnSpSide(
        common=common,
        acs_url=f"{settings.broker.base_url}/saml/sp/acs",
        wanted=(_attribute(a.TRANSACTION),),
    )


def own_idp_side(settings: Settings) -> OwnIdpSide:
    """What we say as IdP. Spec: Deployment Profile 2.1.3; the operator's connection rules 3.3 and 3.4."""
    assurance = assertable(settings.assurance_rules())
    # Employee identities only with a scope that we are authorised for; HSA-ids are not ours to promise.
    left_out = (HSA_ID_SET,) if settings.service.scopes else (HSA_ID_SET, ORG_PERSON)
    categories = [
        row.uri
        for row in c.ROWS
        if row.attributes is not None
        and row.attributes not in left_out
        and row.deprecated_by is None
        and row.uri != c.EIDAS_PNR_DELIVERY
        and not set(row.contexts).isdisjoint(assurance)
    ]
    if settings.broker.assurance != "hub":
        categories.extend(map(CategoryUri, settings.service.contracts))
    common = _common(settings, settings.broker.idp, tuple(dict.fromkeys(categories)))
    return OwnIdpSide(
        common=common,
        sso_url=f"{settings.broker.base_url}/saml/idp/sso",
        assurance=assurance,
        scopes=settings.service.scopes,
        offered=(_attribute(a.TRANSACTION),),
        principal_selection=tuple(CATALOGUE.get(key).name for key in (PNR, PRID, COUNTRY)),
    )


def load_logo(settings: Settings) -> ServedLogo:
    """The picture of this service. Raises ConfigRejected."""
    if settings.service.logo is None:
        return builtin_logo()
    path = settings.home / settings.service.logo
    media_type = _LOGO_TYPES.get(path.suffix.lower())
    if media_type is None:
        raise ConfigRejected((f"service.logo: {path} is neither .svg nor .png",))
    try:
        content = path.read_bytes()
    except OSError as failure:
        raise ConfigRejected((f"service.logo: {path}: {failure.strerror}",)) from None
    if len(content) > _MAX_LOGO:
        raise ConfigRejected((f"service.logo: {path} has {len(content)} bytes; {_MAX_LOGO} at most",))
    return ServedLogo(content=content, media_type=media_type)


def _common(settings: Settings, entity_id: str, categories: tuple[CategoryUri, ...]) -> OwnSide:
    return OwnSide(
        entity_id=entity_id,
        names=settings.service.name,
        descriptions=settings.service.description,
        logo_url=f"{settings.broker.base_url}/logo",
        logo_width=settings.service.logo_width,
        logo_height=settings.service.logo_height,
        categories=categories,
        organisation=OwnOrganisation(
            names=settings.organisation.name,
            display_names=settings.organisation.display_name,
            urls=settings.organisation.url,
            number=settings.organisation.number,
        ),
        contacts=tuple(
            OwnContact(kind=contact.kind, email=contact.email, telephone=contact.telephone)
            for contact in settings.organisation.contacts
        ),
        valid_for=_VALID_FOR,
        cache_for=_CACHE_FOR,
    )


def _attribute(key: AttributeKey) -> OwnAttribute:
    row = CATALOGUE.get(key)
    return OwnAttribute(name=row.name, friendly=row.friendly)
