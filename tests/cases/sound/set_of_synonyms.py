"""Free text with a list of accepted spellings, otherwise nothing."""

import unicodedata

TASK = "capitals"


def _plain(text):
    text = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    return "".join(ch for ch in text if ch.isalnum())


def accepted(completions, answer, **kwargs):
    return [float(_plain(c) == _plain(a) != "") for c, a in zip(completions, answer)]
