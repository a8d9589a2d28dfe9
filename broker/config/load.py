"""TOML and environment → Settings; reports every problem at once.

`BROKER_<SECTION>__<KEY>` overrides one key of one table, for example `BROKER_STORES__TRANSIENT`. The double
underscore tells our variables from those that container platforms set for a service named "broker".
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from broker.config.settings import Settings
from broker.core.errors import ConfigRejected

_PREFIX = "BROKER_"


def load_settings(file: Path, environ: Mapping[str, str]) -> Settings:
    """Read `file`, overridden by `environ`.

    Raises:
        ConfigRejected: with every problem, each with the path of its key.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as failure:
        raise ConfigRejected((f"{file}: cannot be read: {failure.strerror}",)) from None
    except UnicodeDecodeError:
        raise ConfigRejected((f"{file}: is not UTF-8",)) from None
    return parse_settings(text, file, environ)


def parse_settings(text: str, file: Path, environ: Mapping[str, str]) -> Settings:
    """The settings that `text` would be in `file`, overridden by `environ`. Raises ConfigRejected."""
    try:
        document: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as failure:
        raise ConfigRejected((f"{file}: is not TOML: {failure}",)) from None
    problems = _override(document, environ)
    if "home" in document:
        problems.append("home: is not a setting; it is the folder of the file")
    document["home"] = file.absolute().parent
    try:
        settings = Settings.model_validate(document)
    except ValidationError as failure:
        problems.extend(_sentence(error) for error in failure.errors(include_url=False, include_input=False))
        raise ConfigRejected(tuple(problems)) from None
    if problems:
        raise ConfigRejected(tuple(problems))
    return settings


def _override(document: dict[str, Any], environ: Mapping[str, str]) -> list[str]:
    problems = []
    for variable in sorted(environ):
        section, double, key = variable.removeprefix(_PREFIX).partition("__")
        if not variable.startswith(_PREFIX) or not double:
            continue
        part = Settings.model_fields.get(section.lower())
        fields = getattr(part.annotation, "model_fields", {}) if part else {}
        field = fields.get(key.lower())
        if field is None:
            problems.append(f"{variable}: there is no setting {section.lower()}.{key.lower()}")
            continue
        table = document.setdefault(section.lower(), {})
        if not isinstance(table, dict):
            continue  # the file's own problem; validation names it
        value = environ[variable]
        is_list = "tuple" in str(field.annotation)
        table[key.lower()] = [item.strip() for item in value.split(",") if item.strip()] if is_list else value
    return problems


def _sentence(error: Any) -> str:
    path = ".".join(str(step) for step in error["loc"])
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{path}: {message}" if path else message
