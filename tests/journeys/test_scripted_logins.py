"""Every login of `broker demo --once`, one test each, against one running demo."""

import pytest

from broker.demo.once import Login, Once, the_logins
from broker.demo.run import RunningDemo

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def once(demo: RunningDemo) -> Once:
    """Remembers the NameIDs of earlier logins, to compare."""
    return Once(demo.federation)


@pytest.mark.parametrize("login", the_logins(), ids=lambda login: login.title)
def test_a_login_ends_as_it_must(once: Once, login: Login) -> None:
    problems: list[str] = []
    once.run([login], lambda result: problems.extend(result.problems))
    assert problems == []
