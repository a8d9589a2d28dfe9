"""Every setting of `broker.toml`, with its default. Units are in the names. Peers are data, not settings."""

import ipaddress
import re
import unicodedata
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote, unquote, urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from broker.core.assurance import AssuranceRules
from broker.core.login import ContextUri
from broker.vocabulary.attributes import LocalAttribute
from broker.vocabulary.categories import LOA3_PNR
from broker.vocabulary.context_rules import Role, loa3_and_above, rules_for
from broker.vocabulary.contexts import CONTEXTS

Environment = Literal["production", "qa", "test"]
Assurance = Literal["hub", "published", "reviewed"]


_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]")
_BIND = re.compile(r"([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_SQLITE = "sqlite:///"


def is_loopback(host: str) -> bool:
    """Whether `host` (a name or literal address, without brackets) can only be this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _known_context(uri: str) -> str:
    if uri not in CONTEXTS:
        raise ValueError(f"unknown AuthnContextClassRef {uri!r}")
    return uri


def _network(text: str) -> str:
    ipaddress.ip_network(text, strict=True)
    return text


def _text(text: str) -> str:
    # XML cannot carry them, and a line break in a name is a slip.
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        raise ValueError("must be one line without control characters")
    return text


def _address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an address that begins with https://")
    return text


def check_bind(text: str) -> str:
    """`text`, when it is a HOST:PORT that one can listen on. Raises ValueError."""
    found = _BIND.fullmatch(text)
    if found is None or not 1 <= int(found[3]) <= 65535:
        raise ValueError(f"{text!r} is not HOST:PORT, for example 127.0.0.1:8080 or [::1]:8080")
    return text


Context = Annotated[str, AfterValidator(_known_context)]
Network = Annotated[str, AfterValidator(_network)]
Bind = Annotated[str, AfterValidator(check_bind)]
Text = Annotated[str, Field(min_length=1), AfterValidator(_text)]
Address = Annotated[Text, AfterValidator(_address)]
EntityIdText = Annotated[str, Field(pattern=r"^\S*$", max_length=1024)]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]+)*$")]


class Part(BaseModel):
    """Frozen, and a key that we do not know is a problem, not a surprise."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class BrokerPart(Part):
    """[broker]: who we are, and what we may say."""

    base_url: str
    environment: Environment
    assurance: Assurance
    reviewed_level: Literal[2, 3, 4] | None = None
    nonresident_agreement: bool = False
    relay_eidas_names: bool = False
    idp_entity_id: EntityIdText = ""  # default: <base_url>/saml/idp
    sp_entity_id: EntityIdText = ""  # default: <base_url>/saml/sp
    default_contexts: tuple[Context, ...] | None = None  # default: LoA 3 and above
    eidas_connectors: tuple[str, ...] = ()
    federation_e_services: tuple[str, ...] = ()
    trusted_proxies: tuple[Network, ...] = ()
    ops_networks: tuple[Network, ...] = ("127.0.0.0/8", "::1/128")
    clock_skew_s: int = Field(default=30, ge=0, le=60)
    request_max_age_s: int = Field(default=180, ge=30, le=600)
    login_lifetime_s: int = Field(default=1800, ge=300, le=7200)
    page_lifetime_s: int = Field(default=900, ge=300, le=3600)
    answer_lifetime_s: int = Field(default=60, ge=10, le=120)

    @field_validator("base_url")
    @classmethod
    def _check_base_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in _DEFAULT_PORTS:
            raise ValueError("must begin with https://")
        # Peers and browsers compare it letter by letter, so it has one spelling: theirs.
        host, port = value.removeprefix(f"{parts.scheme}://"), parts.port
        if port is not None:
            host = host.removesuffix(f":{port}")
        if not _HOST.fullmatch(host) or port == 0:
            raise ValueError("must be scheme, host and port only, in lower case: https://login.example.se")
        if port == _DEFAULT_PORTS[parts.scheme]:
            raise ValueError(f"must leave out :{port}, as browsers do")
        return value

    @model_validator(mode="after")
    def _check_together(self) -> "BrokerPart":
        parts = urlsplit(self.base_url)
        if parts.scheme == "http" and not (self.environment == "test" and is_loopback(parts.hostname or "")):
            raise ValueError('base_url: http:// is allowed only with environment = "test" on a loopback address')
        if (self.assurance == "reviewed") != (self.reviewed_level is not None):
            raise ValueError('reviewed_level (2, 3 or 4) belongs to assurance = "reviewed", and only to it')
        if self.relay_eidas_names and self.assurance != "hub":
            raise ValueError('relay_eidas_names = true is possible only with assurance = "hub"')
        if self.nonresident_agreement and self.assurance != "reviewed":
            raise ValueError('nonresident_agreement belongs to assurance = "reviewed"')
        if self.default_contexts == ():
            raise ValueError("default_contexts must name at least one level")
        if self.idp == self.sp:
            raise ValueError("idp_entity_id and sp_entity_id must differ: each side publishes its own metadata")
        return self

    @property
    def idp(self) -> str:
        """entityID of our IdP side."""
        return self.idp_entity_id or f"{self.base_url}/saml/idp"

    @property
    def sp(self) -> str:
        """entityID of our SP side."""
        return self.sp_entity_id or f"{self.base_url}/saml/sp"

    @property
    def clock_skew(self) -> timedelta:
        """How far a peer's clock may be off."""
        return timedelta(seconds=self.clock_skew_s)


def _with_swedish(texts: dict[str, str]) -> dict[str, str]:
    if "sv" not in texts:
        raise ValueError('a Swedish text ("sv") is required')
    return texts


class ContactPart(Part):
    """One [[organisation.contacts]]: published in our metadata."""

    kind: Literal["technical", "support", "administrative", "billing", "other"]
    email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")]
    telephone: str | None = None


class OrganisationPart(Part):
    """[organisation]: published in our metadata; `name` is the registered name in the agreement."""

    name: dict[Language, Text]
    display_name: dict[Language, Text]
    url: dict[Language, Address]
    number: Annotated[str, Field(pattern=r"^\d{10}$")] | None = None
    sector: Literal["public", "private"] = "public"
    contacts: tuple[ContactPart, ...] = ()

    @field_validator("name", "display_name", "url")
    @classmethod
    def _check_swedish(cls, value: dict[str, str]) -> dict[str, str]:
        return _with_swedish(value)


class ServicePart(Part):
    """[service]: how citizens and IdPs see us (mdui)."""

    name: dict[Language, Text]
    description: dict[Language, Text]
    logo: Path | None = None  # SVG or PNG; default: the built-in one
    logo_width: int = Field(default=80, ge=16, le=1000)  # pixels, as our metadata say
    logo_height: int = Field(default=80, ge=16, le=1000)
    contracts: tuple[str, ...] = ()  # service contract categories of signed agreements
    categories: tuple[str, ...] = (LOA3_PNR,)  # service entity categories of the SP side
    scopes: tuple[str, ...] = ()  # scopes of attributes that we are authorised to release

    @field_validator("name", "description")
    @classmethod
    def _check_swedish(cls, value: dict[str, str]) -> dict[str, str]:
        return _with_swedish(value)


class StoresPart(Part):
    """[stores]: empty means the embedded SQLite files in `data/` beside the configuration."""

    transient: str = ""
    durable: str = ""
    transient_password_file: Path | None = None
    durable_password_file: Path | None = None


class FilesPart(Part):
    """[files]: relative to the folder of broker.toml."""

    keys: Path = Path("keys")
    data: Path = Path("data")


class ServePart(Part):
    """[serve]."""

    bind: Bind = "127.0.0.1:8080"
    workers: int = Field(default=2, ge=1, le=64)
    threads: int = Field(default=4, ge=1, le=64)


class Settings(Part):
    """The whole of broker.toml. `home` is the folder that it lies in."""

    home: Path
    broker: BrokerPart
    organisation: OrganisationPart
    service: ServicePart
    stores: StoresPart = StoresPart()
    files: FilesPart = FilesPart()
    serve: ServePart = ServePart()
    rules: dict[Context, tuple[Context, ...]] = {}  # delivered -> what may be asserted for it, instead of the table's
    attributes: tuple[LocalAttribute, ...] = ()

    @property
    def keys_folder(self) -> Path:
        """Where key files and secrets lie."""
        return self.home / self.files.keys

    @property
    def data_folder(self) -> Path:
        """Where the embedded stores lie."""
        return self.home / self.files.data

    @property
    def transient_url(self) -> str:
        """The transient store, embedded unless configured."""
        return self._store(self.stores.transient, "transient.sqlite")

    @property
    def durable_url(self) -> str:
        """The durable store, embedded unless configured."""
        return self._store(self.stores.durable, "durable.sqlite")

    def _store(self, url: str, embedded: str) -> str:
        """A SQLite file is relative to the settings, wherever the command is run; any other URL is as it is."""
        if not url:
            path = self.data_folder / embedded
        elif url.startswith(_SQLITE) and url != _SQLITE and not set(url) & {"?", "#"}:
            path = self.home / unquote(url.removeprefix(_SQLITE))
        elif "://" not in url:
            path = self.home / url
        else:
            return url
        return _SQLITE + quote(str(path.absolute()))

    def assurance_rules(self) -> AssuranceRules:
        """The table of levels of this broker's role, with its changes. Raises ConfigRejected."""
        return rules_for(
            Role(self.broker.assurance),
            reviewed_level=self.broker.reviewed_level,
            relay_eidas_names=self.broker.relay_eidas_names,
            nonresident_agreement=self.broker.nonresident_agreement,
            changes={ContextUri(uri): tuple(map(ContextUri, row)) for uri, row in self.rules.items()},
        )

    def default_contexts(self) -> tuple[ContextUri, ...]:
        """What counts when neither the request nor the e-service's categories name a level."""
        if self.broker.default_contexts is None:
            return loa3_and_above(self.assurance_rules())
        return tuple(map(ContextUri, self.broker.default_contexts))
