"""Texts that fit into the fields of a message: UTF-8 without NUL, of a bounded size, the middle left out."""

from __future__ import annotations

_GAP = "\n … \n"


def fit(text: str, octets: int) -> str:
    """The text in at most `octets` octets of UTF-8, the beginning and the end of it where it is too long."""
    clean = text.replace("\0", "\ufffd").encode("utf-8", "replace")
    if len(clean) <= octets:
        return clean.decode()
    half = (octets - len(_GAP.encode())) // 2
    return clean[:half].decode("utf-8", "ignore") + _GAP + clean[-half:].decode("utf-8", "ignore")
