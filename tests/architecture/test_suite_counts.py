import pytest
from support.suite_counts import long_files, suite_of


@pytest.mark.parametrize(
    ("node_id", "suite"),
    [
        pytest.param("tests/saml/test_post.py::test_x", "saml", id="a folder is a suite"),
        pytest.param("tests/saml/deep/test_post.py::test_x[a/b]", "saml", id="its folders belong to it"),
        pytest.param("tests/test_top.py::test_x", ".", id="a file at the top is of no suite"),
    ],
)
def test_a_test_counts_for_the_folder_it_lies_in(node_id: str, suite: str) -> None:
    assert suite_of(node_id) == suite


def test_files_are_reported_from_the_length_where_they_have_become_two_things() -> None:
    assert all(lines > 300 for lines, _ in long_files())
