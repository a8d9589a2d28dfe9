"""Who takes part in the demo, where they listen, and what they declare. Everything follows from the first port."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from broker.demo import words
from broker.demo.personas import (
    COORDINATION,
    EMPLOYEE,
    FINNISH,
    GREEK,
    POSTED,
    PROTECTED,
    RESIDENT,
    Persona,
    Texts,
)

BROKER_HOST = "127.0.0.1"
E_SERVICE_HOST = "127.0.0.2"
UPSTREAM_HOST = "127.0.0.3"
PORTS = 8
"""How many ports in a row the federation needs; the broker has the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """What every simulated party has. `key` names its files and processes."""

    key: str
    name: Texts
    about: Texts
    host: str
    port: int
    colour: str
    categories: tuple[str, ...]

    @property
    def base(self) -> str:
        """Scheme, host and port."""
        return f"http://{self.host}:{self.port}"

    @property
    def entity_id(self) -> str:
        """The entityID."""
        return f"{self.base}/{self.key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class EServiceParty(Party):
    """A simulated e-service. `asks` are the levels that it requests unless told otherwise."""

    asks: tuple[str, ...]
    want_assertions_signed: bool = False
    ciphers: tuple[str, ...] = ()  # md:EncryptionMethod that it declares
    wanted: tuple[str, ...] = ()  # RequestedAttribute, none required

    @property
    def acs(self) -> str:
        """Where answers arrive."""
        return f"{self.base}/acs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One way to identify oneself at an upstream: this person, at this level."""

    persona: Persona
    level: str  # AuthnContextClassRef; at the connector: as the foreign node vouches for it

    @property
    def key(self) -> str:
        """The value of the button."""
        return f"{self.persona.key}:{self.level.rsplit('/', 1)[-1]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Country:
    """A country behind the eIDAS connector, and the levels that its scheme reaches."""

    code: str
    name: Texts
    levels: tuple[str, ...]
    authority: str  # entityID of the foreign node
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamParty(Party):
    """A simulated IdP. With `countries` it is an eIDAS connector, and `options` is empty."""

    levels: tuple[str, ...]
    options: tuple[Option, ...] = ()
    countries: tuple[Country, ...] = ()
    scopes: tuple[str, ...] = ()
    knows: frozenset[str] | None = None  # the attributes that this eID has at all; None: all of the persona's
    dialect: str = "sweden_connect"  # how the broker is told that it speaks
    cipher: str = words.AES256_CBC  # preferred; used only when the receiver declares it, or when mandatory
    sign_assertion: bool = False

    @property
    def sso(self) -> str:
        """Where requests arrive, by either binding."""
        return f"{self.base}/sso"


@dataclass(frozen=True, slots=True, kw_only=True)
class Federation:
    """Everybody, and the broker's address."""

    broker: str
    broker_bind: str
    e_services: Mapping[str, EServiceParty] = field(default_factory=dict)
    upstreams: Mapping[str, UpstreamParty] = field(default_factory=dict)

    @property
    def broker_idp_metadata(self) -> str:
        """Where the broker publishes its IdP side."""
        return f"{self.broker}/saml/idp/metadata"

    @property
    def broker_sp_metadata(self) -> str:
        """Where the broker publishes its SP side."""
        return f"{self.broker}/saml/sp/metadata"

    @property
    def parties(self) -> tuple[EServiceParty | UpstreamParty, ...]:
        """Everybody but the broker."""
        return (*self.e_services.values(), *self.upstreams.values())


def the_federation(port: int) -> Federation:
    """The demo federation with its ports in a row from `port`."""
    bygglov = EServiceParty(
        key="bygglov",
        name=Texts(sv="Bygglov (demo)", en="Building permits (demo)"),
        about=Texts(
            sv="E-tjänst som kräver personnummer och tillitsnivå 3",
            en="E-service that needs a personal identity number and level of assurance 3",
        ),
        host=E_SERVICE_HOST,
        port=port + 1,
        colour="#8a3b12",
        categories=(words.LOA3_PNR, words.PUBLIC_SECTOR),
        asks=(words.LOA3,),
    )
    etablering = EServiceParty(
        key="etablering",
        name=Texts(sv="Ny i Sverige (demo)", en="New in Sweden (demo)"),
        about=Texts(
            sv="E-tjänst som även tar emot utländska e-legitimationer och samordningsnummer",
            en="E-service that also accepts foreign eIDs and coordination numbers",
        ),
        host=E_SERVICE_HOST,
        port=port + 2,
        colour="#1d5c63",
        categories=(
            words.LOA3_PNR,
            words.EIDAS_NATURAL_PERSON,
            words.PUBLIC_SECTOR,
            words.ACCEPTS_COORDINATION_NUMBER,
        ),
        asks=(words.LOA3, words.UNCERTIFIED_EIDAS_HIGH, words.UNCERTIFIED_EIDAS_SUB),  # in order of preference
        want_assertions_signed=True,
        ciphers=(words.AES256_GCM, words.AES256_CBC),
    )
    personal = EServiceParty(
        key="personal",
        name=Texts(sv="Medarbetarportalen (demo)", en="Staff portal (demo)"),
        about=Texts(
            sv="E-tjänst för anställda, med organisationstillhörighet i stället för personnummer",
            en="E-service for staff, with an organisational affiliation instead of a personal number",
        ),
        host=E_SERVICE_HOST,
        port=port + 3,
        colour="#4a3b7c",
        categories=(words.LOA3_ORGID, words.PUBLIC_SECTOR),
        asks=(words.LOA3, words.LOA3_NONRESIDENT),
    )
    bankid = UpstreamParty(
        key="bankid",
        name=Texts(sv="BankID (demo)", en="BankID (demo)"),
        about=Texts(sv="Simulerad legitimeringstjänst", en="Simulated identity provider"),
        host=UPSTREAM_HOST,
        port=port + 4,
        colour="#12526e",
        categories=(words.LOA3_PNR, words.LOA3_NAME, words.MOBILE_AUTH),
        levels=(words.LOA3,),
        options=tuple(Option(persona=who, level=words.LOA3) for who in (RESIDENT, COORDINATION, PROTECTED)),
        knows=frozenset({"sn", "givenName", "displayName", "personalIdentityNumber"}),
        dialect="bankid",
    )
    freja = UpstreamParty(
        key="freja",
        name=Texts(sv="Freja eID (demo)", en="Freja eID (demo)"),
        about=Texts(sv="Simulerad legitimeringstjänst", en="Simulated identity provider"),
        host=UPSTREAM_HOST,
        port=port + 5,
        colour="#5b2a86",
        categories=(words.LOA2_PNR, words.LOA3_PNR, words.LOA2_NAME, words.LOA3_NAME, words.LOA3_ORGID),
        levels=(words.LOA2, words.LOA3, words.LOA3_NONRESIDENT),
        options=(
            Option(persona=RESIDENT, level=words.LOA3),
            Option(persona=RESIDENT, level=words.LOA2),
            Option(persona=COORDINATION, level=words.LOA3),
            Option(persona=PROTECTED, level=words.LOA3),
            Option(persona=POSTED, level=words.LOA3_NONRESIDENT),
        ),
        scopes=("5566778899",),
        dialect="freja",
        cipher=words.AES256_GCM,
        sign_assertion=True,
    )
    connector = UpstreamParty(
        key="eidas",
        name=Texts(sv="Utländsk e-legitimation (demo)", en="Foreign eID (demo)"),
        about=Texts(sv="Simulerad svensk eIDAS-nod", en="Simulated Swedish eIDAS connector"),
        host=UPSTREAM_HOST,
        port=port + 6,
        colour="#0b3d91",
        categories=(words.EIDAS_NATURAL_PERSON, words.MOBILE_AUTH),
        levels=(words.EIDAS_NF_LOW, words.EIDAS_NF_SUB, words.EIDAS_NF_HIGH),
        countries=(
            Country(
                code="FI",
                name=Texts(sv="Finland", en="Finland"),
                levels=(words.EIDAS_NF_HIGH,),
                authority="https://eidas.fi.example/proxy",
                options=(Option(persona=FINNISH, level=words.EIDAS_NF_HIGH),),
            ),
            Country(
                code="GR",
                name=Texts(sv="Grekland – Ελλάδα", en="Greece – Ελλάδα"),
                levels=(words.EIDAS_NF_SUB,),
                authority="https://eidas.gr.example/proxy",
                options=(Option(persona=GREEK, level=words.EIDAS_NF_SUB),),
            ),
            Country(
                code="XX",
                name=Texts(sv="Låglandet (bara nivå låg)", en="Lowland (level low only)"),
                levels=(words.EIDAS_NF_LOW,),
                authority="https://eidas.xx.example/proxy",
                options=(),
            ),
        ),
        cipher=words.AES128_GCM,
    )
    tjanste_id = UpstreamParty(
        key="tjansteid",
        name=Texts(sv="Exempelkommunens tjänste-id (demo)", en="Example Municipality staff eID (demo)"),
        about=Texts(sv="Simulerad tjänstelegitimation", en="Simulated employee eID"),
        host=UPSTREAM_HOST,
        port=port + 7,
        colour="#2f5d34",
        categories=(words.LOA3_ORGID, words.LOA3_NAME),
        levels=(words.LOA3,),
        options=(Option(persona=EMPLOYEE, level=words.LOA3),),
        scopes=("2120001231",),
        cipher=words.AES128_CBC,
    )
    return Federation(
        broker=f"http://{BROKER_HOST}:{port}",
        broker_bind=f"{BROKER_HOST}:{port}",
        e_services={party.key: party for party in (bygglov, etablering, personal)},
        upstreams={party.key: party for party in (bankid, freja, connector, tjanste_id)},
    )
