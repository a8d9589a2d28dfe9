import gzip
from http import HTTPStatus

import pytest
from support.web import ask, browse

from broker.web.static_files import load_static_files

FILES = load_static_files()


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("broker.css", "text/css; charset=utf-8"),
        ("onward.js", "text/javascript; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
    ],
)
def test_a_file_is_served_for_ever_under_the_name_of_its_content(name: str, media_type: str) -> None:
    response = browse(ask()).get(FILES.url(name))
    assert response.status_code == HTTPStatus.OK
    assert response.content_type == media_type
    assert "immutable" in response.headers["Cache-Control"]


def test_a_browser_that_can_gets_it_compressed() -> None:
    response = browse(ask()).get(FILES.url("broker.css"), headers={"Accept-Encoding": "br, gzip"})
    found = FILES.find(FILES.url("broker.css"))
    assert found is not None
    assert response.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(response.data) == found.content


def test_the_same_content_has_the_same_bytes_on_every_node() -> None:
    again = load_static_files()
    assert again.find(FILES.url("broker.css")) == FILES.find(FILES.url("broker.css"))


def test_a_file_of_another_version_is_not_there() -> None:
    assert browse(ask()).get("/static/broker.0123456789ab.css").status_code == HTTPStatus.NOT_FOUND


def test_the_style_sheet_stays_small() -> None:
    found = FILES.find(FILES.url("broker.css"))
    assert found is not None
    assert len(found.content) <= 15 * 1024


def test_the_logo_has_an_address_that_metadata_can_name() -> None:
    response = browse(ask()).get("/logo")
    assert response.content_type == "image/svg+xml"
    assert "sandbox" in response.headers["Content-Security-Policy"]
    assert response.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
