"""The templates: autoescape on, an unknown name is an error, compiled once."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template


def templates_folder() -> Path:
    """Where the templates lie: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "templates"
    return installed if installed.is_dir() else package.parent / "templates"


class Templates:
    """The page templates by name."""

    def __init__(self, folder: Path) -> None:
        environment = Environment(
            loader=FileSystemLoader(folder),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates: dict[str, Template] = {
            name: environment.get_template(f"{name}.html") for name in ("choose", "post", "stop")
        }

    def render(self, name: str, **values: object) -> str:
        """The page as HTML."""
        return self._templates[name].render(**values)
