"""Who runs a command: the name that the audit keeps."""

import getpass
import os


def current_actor() -> str:
    """The OS user, and behind sudo who called it."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = f"uid {os.getuid()}"
    caller = os.environ.get("SUDO_USER")
    return f"{user} (for {caller})" if caller and caller != user else user
