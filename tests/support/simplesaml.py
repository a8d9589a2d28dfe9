"""SimpleSAMLphp as an upstream IdP: Debian's unchanged package, configured in the test's own folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from support.key_pairs import make_key_pair
from support.programs import need_file

PROGRAM = "/usr/share/simplesamlphp"
LOA3 = "http://id.elegnamnden.se/loa/1.0/loa3"
USER, PASSWORD = "anna", "hemligt"
PERSON: Mapping[str, str] = {
    "urn:oid:1.2.752.29.4.13": "189004172384",
    "urn:oid:2.5.4.4": "Lindström",
    "urn:oid:2.5.4.42": "Anna",
    "urn:oid:2.16.840.1.113730.3.1.241": "Anna Lindström",
    "urn:oid:1.3.6.1.5.5.7.9.1": "1890-04-17",
    "urn:oid:0.9.2342.19200300.100.1.3": "anna.lindstrom@example.se",
}
"""What the IdP knows about its only user, by name on the wire. The number is valid; nobody alive can have it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimpleSamlIdp:
    """One installation: an address, a folder, a key."""

    folder: Path
    address: str  # host:port
    name: str  # shown in a chooser
    sign_assertion: bool  # the Response is always signed
    context: str = LOA3

    @property
    def base_url(self) -> str:
        return f"http://{self.address}/simplesaml"

    @property
    def entity_id(self) -> str:
        return f"{self.base_url}/saml2/idp/metadata.php"

    @property
    def metadata_url(self) -> str:
        """Its own metadata page, as XML."""
        return self.entity_id

    @property
    def sp_metadata(self) -> Path:
        """The file it reads its service provider's metadata from."""
        return self.folder / "sp-metadata.xml"

    def site(self) -> str:
        """Its VirtualHost."""
        return f"""\
<VirtualHost {self.address}>
    ServerName http://{self.address}
    SetEnv SIMPLESAMLPHP_CONFIG_DIR {self.folder}/config
    Alias /simplesaml {PROGRAM}/www
    <Directory {PROGRAM}/www>
        Require all granted
    </Directory>
</VirtualHost>
"""

    def write_config(self) -> None:
        """Everything SimpleSAMLphp reads, apart from `sp_metadata`."""
        need_file(f"{PROGRAM}/www/saml2/idp/metadata.php", "simplesamlphp")
        for name in ("config", "metadata", "certificates", "log", "data", "temporary", "sessions"):
            (self.folder / name).mkdir(parents=True)
        make_key_pair(self.name).write(self.folder / "certificates", "idp")
        config = self.folder / "config"
        (config / "config.php").write_text(self._config())
        (config / "authsources.php").write_text(_auth_sources())
        (self.folder / "metadata" / "saml20-idp-hosted.php").write_text(self._hosted())

    def _config(self) -> str:
        return f"""\
<?php
$config = [
    'baseurlpath' => '{self.base_url}/',
    'certdir' => '{self.folder}/certificates/',
    'loggingdir' => '{self.folder}/log/',
    'datadir' => '{self.folder}/data/',
    'tempdir' => '{self.folder}/temporary',
    'metadatadir' => '{self.folder}/metadata/',
    'attributenamemapdir' => '/etc/simplesamlphp/attributemap/',
    'secretsalt' => 'only-for-this-test',
    'auth.adminpassword' => 'only-for-this-test',
    'technicalcontact_email' => 'root@localhost',
    'timezone' => 'UTC',
    'admin.checkforupdates' => false,
    'debug' => ['saml' => false, 'backtraces' => true, 'validatexml' => false],
    'showerrors' => true,
    'errorreporting' => false,
    'logging.level' => SimpleSAML\\Logger::INFO,
    'logging.handler' => 'file',
    'enable.saml20-idp' => true,
    'module.enable' => ['exampleauth' => true, 'core' => true, 'saml' => true],
    'session.cookie.secure' => false,
    'session.cookie.samesite' => null,
    'session.phpsession.savepath' => '{self.folder}/sessions',
    'language.cookie.secure' => false,
    'language.cookie.samesite' => null,
    'language.default' => 'en',
    'production' => true,
    'theme.use' => 'default',
    'metadata.sources' => [['type' => 'flatfile'], ['type' => 'xml', 'file' => '{self.sp_metadata}']],
    'store.type' => 'phpsession',
];
"""

    def _hosted(self) -> str:
        return f"""\
<?php
$metadata['__DYNAMIC:1__'] = [
    'host' => '__DEFAULT__',
    'privatekey' => 'idp.key',
    'certificate' => 'idp.crt',
    'auth' => 'people',
    'attributes.NameFormat' => 'urn:oasis:names:tc:SAML:2.0:attrname-format:uri',
    'NameIDFormat' => ['urn:oasis:names:tc:SAML:2.0:nameid-format:persistent'],
    'signature.algorithm' => 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
    'saml20.sign.response' => true,
    'saml20.sign.assertion' => {"true" if self.sign_assertion else "false"},
    'assertion.encryption' => true,
    'validate.authnrequest' => true,
    'redirect.validate' => true,
    'OrganizationName' => ['en' => '{self.name}', 'sv' => '{self.name}'],
    'OrganizationURL' => ['en' => '{self.base_url}', 'sv' => '{self.base_url}'],
    'UIInfo' => ['DisplayName' => ['en' => '{self.name}', 'sv' => '{self.name}']],
    'authproc' => [
        1 => ['class' => 'saml:PersistentNameID', 'attribute' => 'urn:oid:1.2.752.29.4.13'],
        2 => ['class' => 'saml:AuthnContextClassRef', 'AuthnContextClassRef' => '{self.context}'],
    ],
];
"""


def _auth_sources() -> str:
    attributes = "\n".join(f"        '{name}' => ['{value}']," for name, value in PERSON.items())
    return f"""\
<?php
$config = [
    'people' => [
        'exampleauth:UserPass',
        '{USER}:{PASSWORD}' => [
{attributes}
        ],
    ],
];
"""
