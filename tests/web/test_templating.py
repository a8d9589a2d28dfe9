import re
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from broker.web.templating import Templates, templates_folder

TEMPLATES = sorted(templates_folder().glob("*.html"))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_has_inline_code_or_style(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"<style|\bstyle=|\bon\w+=|javascript:|<script(?![^>]* src=)", text)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_turns_escaping_off(path: Path) -> None:
    assert not re.search(r"\|\s*safe|autoescape|Markup", path.read_text())


def test_a_name_that_nobody_gave_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        Templates(templates_folder()).render("stop", t=lambda key: key)
