"""Style sheet, script and pictures: read once, named by their content, so that browsers may keep them for ever."""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from flask import Blueprint, Response, request
from werkzeug.exceptions import NotFound

_FOLDER = Path(__file__).parent / "static"
# Our own table: the system's differs between machines, and browsers take no guess with "nosniff".
_MEDIA_TYPES = MappingProxyType(
    {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
)
_FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticFile:
    """One file as it is served."""

    path: str  # of the URL
    media_type: str
    content: bytes
    compressed: bytes


class StaticFiles:
    """Every file of the folder, by name and by the path it is served under."""

    def __init__(self, files: Mapping[str, StaticFile]) -> None:
        self._by_name = MappingProxyType(dict(files))
        self._by_path = MappingProxyType({file.path: file for file in files.values()})

    def url(self, name: str) -> str:
        """The path of the current content of `name`. Raises KeyError when there is no such file."""
        return self._by_name[name].path

    def find(self, path: str) -> StaticFile | None:
        """The file served under exactly this path."""
        return self._by_path.get(path)


def load_static_files(folder: Path = _FOLDER) -> StaticFiles:
    """Read every file in `folder`."""
    return StaticFiles({path.name: _load(path) for path in sorted(folder.iterdir()) if path.is_file()})


def static_pages(files: StaticFiles) -> Blueprint:
    """GET /static/<name>.<hash>.<suffix>."""
    pages = Blueprint("static", __name__)

    @pages.get("/static/<name>")
    def serve(name: str) -> Response:
        file = files.find(f"/static/{name}")
        if file is None:
            raise NotFound
        small = request.accept_encodings.quality("gzip") > 0
        response = Response(file.compressed if small else file.content, content_type=file.media_type)
        if small:
            response.headers["Content-Encoding"] = "gzip"
        response.headers["Vary"] = "Accept-Encoding"
        response.headers["Cache-Control"] = _FOR_EVER
        return response

    return pages


def _load(path: Path) -> StaticFile:
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:12]
    return StaticFile(
        path=f"/static/{path.stem}.{digest}{path.suffix}",
        media_type=_MEDIA_TYPES[path.suffix],
        content=content,
        compressed=gzip.compress(content, mtime=0),
    )
