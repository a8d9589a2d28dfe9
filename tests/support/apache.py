"""Debian's Apache with a configuration of the test's own: nothing under /etc is read."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from support.programs import Program, need_file, need_program, running

MODULES = "/usr/lib/apache2/modules"
LOADED = {
    "mpm_prefork_module": "mod_mpm_prefork.so",
    "authn_core_module": "mod_authn_core.so",
    "authz_core_module": "mod_authz_core.so",
    "authz_user_module": "mod_authz_user.so",
    "alias_module": "mod_alias.so",
    "dir_module": "mod_dir.so",
    "env_module": "mod_env.so",
    "mime_module": "mod_mime.so",
    "socache_shmcb_module": "mod_socache_shmcb.so",
    "ssl_module": "mod_ssl.so",
    "mod_shib": "mod_shib.so",
    "php_module": "libphp8.2.so",
}


def need_apache() -> str:
    """Apache's path, once it and the two modules are known to be there."""
    need_file(f"{MODULES}/mod_shib.so", "libapache2-mod-shib")
    need_file(f"{MODULES}/libphp8.2.so", "libapache2-mod-php")
    return need_program("apache2", "apache2")


def write_apache_config(folder: Path, *, listen: Sequence[str], sites: str, shibboleth: Path) -> Path:
    """Write apache.conf: `sites` are VirtualHost blocks, one per address in `listen`."""
    loads = "\n".join(f"LoadModule {name} {MODULES}/{file}" for name, file in LOADED.items())
    ports = "\n".join(f"Listen {address}" for address in listen)
    config = folder / "apache.conf"
    config.write_text(
        f"""\
ServerRoot "{folder}"
ServerName 127.0.0.2
PidFile apache.pid
Mutex file:{folder} default
ErrorLog apache-error.log
LogLevel warn
StartServers 2
MinSpareServers 1
MaxSpareServers 4
MaxRequestWorkers 8
Timeout 30
KeepAlive Off
SSLSessionCache none
{ports}
{loads}
TypesConfig /etc/mime.types
DirectoryIndex index.php index.html
ShibConfig {shibboleth}
<FilesMatch "\\.php$">
    SetHandler application/x-httpd-php
</FilesMatch>
<Directory "/">
    Require all denied
    AllowOverride None
</Directory>
{sites}
"""
    )
    return config


@contextmanager
def run_apache(folder: Path, config: Path) -> Iterator[Program]:
    """Apache in the foreground, stopped when the block ends."""
    with running([need_apache(), "-f", config, "-D", "FOREGROUND"], folder=folder, unprivileged=True) as apache:
        yield apache
