import pytest
from support.web import BASE_URL, LOGIN, ask, browse

from broker.web.security import content_policy, cookie_name, form_target, origin_of, standing_headers

PAGES = (f"/login/{LOGIN}", "/nowhere", "/saml/idp/metadata", "/health/live", "/saml/idp/sso")


@pytest.mark.parametrize("path", PAGES)
def test_every_response_carries_the_standing_headers(path: str) -> None:
    headers = browse(ask()).get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Strict-Transport-Security"] == "max-age=63072000"
    assert "camera=()" in headers["Permissions-Policy"]
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", [f"/login/{LOGIN}", "/nowhere", "/saml/idp/sso"])
def test_no_page_is_kept_by_anybody(path: str) -> None:
    assert browse(ask()).get(path).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("base_url", "environment", "name"),
    [
        ("https://login.example.se", "production", "__Host-broker"),
        ("https://login.example.se", "qa", "__Host-broker"),
        ("https://login.example.se", "test", "__Host-broker-test"),
        ("http://127.0.0.1:8080", "test", "broker-test"),
    ],
)
def test_the_cookie_is_named_for_where_it_lives(base_url: str, environment: str, name: str) -> None:
    assert cookie_name(base_url, environment) == name


@pytest.mark.parametrize(
    ("base_url", "environment"), [("https://login.example.se", "test"), ("http://127.0.0.1:8080", "test")]
)
def test_a_test_environment_does_not_bind_the_browser_to_tls(base_url: str, environment: str) -> None:
    assert "Strict-Transport-Security" not in standing_headers(base_url, environment)


def test_a_policy_allows_no_inline_code() -> None:
    policy = content_policy(nonce="n")
    assert "unsafe" not in policy
    assert "script-src 'nonce-n'" in policy


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        (f"{BASE_URL}/a?b", BASE_URL),
        ("http://127.0.0.2:8081/x", "http://127.0.0.2:8081"),
        ("http://[::1]:1/", "http://[::1]:1"),
        ("https://Login.Example.se:443/x", "https://login.example.se"),
    ],
)
def test_an_origin_is_scheme_host_and_port(url: str, origin: str) -> None:
    assert origin_of(url) == origin


def test_a_form_target_without_a_name_in_the_policys_grammar_is_its_scheme() -> None:
    assert form_target("http://[::1]:8081/acs") == "http:"
    assert form_target("http://127.0.0.2:8081/acs") == "http://127.0.0.2:8081"
