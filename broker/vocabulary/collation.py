"""Names in the order that a Swedish reader expects, by comparing plain strings."""

import unicodedata

_AFTER_Z = str.maketrans({"å": "{", "ä": "|", "æ": "|", "ö": "}", "ø": "}"})  # what follows z in code point order


def swedish_order(name: str) -> str:
    """A key to sort by: å, ä, ö after z; case and other accents count for nothing."""
    folded = unicodedata.normalize("NFC", name.casefold()).translate(_AFTER_Z)
    return "".join(c for c in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(c))
