"""A Shibboleth SP as an e-service: Debian's unchanged shibd and mod_shib, configured in the test's own folder.

It answers on https: it ties the Response to its request with a cookie that must come along when another site posts,
and browsers allow that to secure cookies only.
"""

import shutil
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.key_pairs import make_key_pair
from support.programs import Program, need_program, running

ATTRIBUTES: Mapping[str, str] = {
    "urn:oid:1.2.752.29.4.13": "personalIdentityNumber",
    "urn:oid:2.5.4.4": "sn",
    "urn:oid:2.5.4.42": "givenName",
    "urn:oid:2.16.840.1.113730.3.1.241": "displayName",
    "urn:oid:1.3.6.1.5.5.7.9.1": "dateOfBirth",
    "urn:oid:0.9.2342.19200300.100.1.3": "mail",
    "urn:oid:1.2.752.201.3.2": "transactionIdentifier",
}

PAGES: Mapping[str, str] = {
    "/protected": "",
    "/second": "",
    "/again": "ShibRequestSetting forceAuthn true",
    "/loa4": "ShibRequestSetting authnContextClassRef http://id.elegnamnden.se/loa/1.0/loa4",
    "/loa3": "ShibRequestSetting authnContextClassRef http://id.elegnamnden.se/loa/1.0/loa3",
}
"""Every protected page, and what Shibboleth asks the IdP for because of it."""

SHOW = """\
<?php
header('Content-Type: text/plain; charset=utf-8');
echo json_encode(array_filter($_SERVER, 'is_string'), JSON_PRETTY_PRINT | JSON_UNESCAPED_UNICODE);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShibbolethSp:
    """Where it answers and where it writes."""

    folder: Path
    address: str  # host:port

    @property
    def url(self) -> str:
        return f"https://{self.address}"

    @property
    def tls_certificate(self) -> Path:
        """What a client of the test must trust to reach it."""
        return self.folder / "tls.crt"

    @property
    def entity_id(self) -> str:
        return f"{self.url}/shibboleth"

    @property
    def acs_url(self) -> str:
        """Where it takes Responses."""
        return f"{self.url}/Shibboleth.sso/SAML2/POST"

    @property
    def metadata_url(self) -> str:
        """Shibboleth's own metadata handler."""
        return f"{self.url}/Shibboleth.sso/Metadata"

    def login_url(self, *, post: bool = False, **settings: str) -> str:
        """Shibboleth's own address to start a login that ends at the open page; `post` has the AuthnRequest travel in
        a form, and name its ACS by index."""
        query = urllib.parse.urlencode({**settings, "target": f"{self.url}/open"})
        return f"{self.url}/Shibboleth.sso/{'PostLogin' if post else 'Login'}?{query}"

    @property
    def config(self) -> Path:
        return self.folder / "shibboleth2.xml"

    @property
    def idp_metadata(self) -> Path:
        """The file it reads its IdP's metadata from."""
        return self.folder / "idp-metadata.xml"

    def site(self) -> str:
        """Its VirtualHost: one page, reached by every protected path."""
        pages = "\n".join(
            f'    Alias {path} "{self.folder}/www/show.php"\n'
            f"    <Location {path}>\n"
            f"        AuthType shibboleth\n        ShibRequestSetting requireSession true\n        {setting}\n"
            f"        Require shib-session\n    </Location>"
            for path, setting in PAGES.items()
        )
        return f"""\
<VirtualHost {self.address}>
    ServerName {self.url}
    UseCanonicalName On
    DocumentRoot "{self.folder}/www"
    SSLEngine on
    SSLCertificateFile {self.tls_certificate}
    SSLCertificateKeyFile {self.folder}/tls.key
    <Directory "{self.folder}/www">
        Require all granted
    </Directory>
    <Location /Shibboleth.sso>
        AuthType None
        Require all granted
        SetHandler shib
    </Location>
{pages}
    Alias /open "{self.folder}/www/show.php"
    <Location /open>
        AuthType shibboleth
        ShibRequestSetting requireSession false
        Require shibboleth
    </Location>
</VirtualHost>
"""

    def write_config(self, *, idp_entity_id: str, idp_signer: Path | None) -> None:
        """Everything shibd and mod_shib read. With `idp_signer`, the IdP's metadata must be signed by it and be
        current; without, it is taken as it is."""
        www = self.folder / "www"
        www.mkdir(parents=True)
        trust = ""
        if idp_signer is not None:
            pinned = shutil.copy(idp_signer, self.folder / "idp-signer.crt")
            trust = (
                '<MetadataFilter type="RequireValidUntil" maxValidityInterval="2592000"/>'
                f'<MetadataFilter type="Signature" certificate="{pinned}"/>'
            )
        (www / "show.php").write_text(SHOW)
        make_key_pair("shibboleth tls", address=self.address.partition(":")[0]).write(self.folder, "tls")
        signing = make_key_pair("shibboleth signing").write(self.folder, "sp-signing")
        encryption = make_key_pair("shibboleth encryption").write(self.folder, "sp-encryption")
        (self.folder / "attribute-map.xml").write_text(_attribute_map())
        for name in ("shibd", "native"):
            (self.folder / f"{name}.logger").write_text(_logger(self.folder / f"{name}.log"))
        self.config.write_text(
            f"""\
<SPConfig xmlns="urn:mace:shibboleth:3.0:native:sp:config" clockSkew="60">
    <OutOfProcess logger="{self.folder}/shibd.logger"/>
    <InProcess logger="{self.folder}/native.logger"/>
    <UnixListener address="{self.folder}/shibd.sock"/>
    <ApplicationDefaults entityID="{self.entity_id}" REMOTE_USER="persistent-id" signing="true" encryption="false"
                         homeURL="{self.url}/">
        <Sessions lifetime="3600" timeout="3600" relayState="ss:mem" checkAddress="false" handlerSSL="true"
                  cookieProps="https" sameSiteSession="None" redirectLimit="exact" exportACL="127.0.0.1">
            <SSO entityID="{idp_entity_id}" policyId="blockUnsolicited">SAML2</SSO>
            <SessionInitiator type="SAML2" Location="/PostLogin" entityID="{idp_entity_id}" acsByIndex="true"
                              outgoingBindings="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"/>
            <Handler type="MetadataGenerator" Location="/Metadata" signing="false"/>
        </Sessions>
        <Errors supportContact="root@localhost"/>
        <MetadataProvider type="XML" validate="true" path="{self.idp_metadata}">{trust}</MetadataProvider>
        <AttributeExtractor type="Chaining">
            <AttributeExtractor type="XML" validate="true" path="{self.folder}/attribute-map.xml"/>
            <AttributeExtractor type="Assertion" AuthenticatingAuthority="authenticatingAuthority"
                                AuthnInstant="authnInstant"/>
        </AttributeExtractor>
        <AttributeFilter type="XML" validate="true" path="attribute-policy.xml"/>
        <CredentialResolver type="File" use="signing" key="{signing[0]}" certificate="{signing[1]}"/>
        <CredentialResolver type="File" use="encryption" key="{encryption[0]}" certificate="{encryption[1]}"/>
    </ApplicationDefaults>
    <SecurityPolicyProvider type="XML" validate="true" path="security-policy.xml"/>
    <ProtocolProvider type="XML" validate="true" reloadChanges="false" path="protocols.xml"/>
</SPConfig>
"""
        )

    def said(self) -> str:
        """What its log complains of, for the message of a failed test."""
        log = self.folder / "shibd.log"
        lines = log.read_text(errors="replace").splitlines() if log.exists() else ["no log"]
        return "\n".join(line for line in lines if " INFO " not in line)[-4000:]


def _attribute_map() -> str:
    rows = "\n".join(f'    <Attribute name="{name}" id="{key}"/>' for name, key in ATTRIBUTES.items())
    return f"""\
<Attributes xmlns="urn:mace:shibboleth:2.0:attribute-map" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
    <Attribute name="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent" id="persistent-id">
        <AttributeDecoder xsi:type="NameIDAttributeDecoder" formatter="$Name" defaultQualifiers="true"/>
    </Attribute>
{rows}
</Attributes>
"""


def _logger(log: Path) -> str:
    return f"""\
log4j.rootCategory=INFO, file
log4j.appender.file=org.apache.log4j.FileAppender
log4j.appender.file.fileName={log}
log4j.appender.file.layout=org.apache.log4j.PatternLayout
log4j.appender.file.layout.ConversionPattern=%d{{%H:%M:%S}} %p %c: %m%n
"""


@contextmanager
def run_shibd(sp: ShibbolethSp) -> Iterator[Program]:
    """The daemon behind mod_shib, stopped when the block ends."""
    shibd = need_program("shibd", "libapache2-mod-shib")
    command: list[str | Path] = [shibd, "-F", "-f", "-c", sp.config, "-p", sp.folder / "shibd.pid"]
    with running(command, folder=sp.folder, unprivileged=True) as daemon:
        yield daemon
