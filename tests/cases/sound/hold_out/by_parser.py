"""The completion is parsed as XML; anything that is not well formed is worth nothing."""

from xml.etree import ElementTree

TASK = "word_problems"


def parsed(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        try:
            parts = list(ElementTree.fromstring(f"<all>{c}</all>"))
        except ElementTree.ParseError:
            out.append(0.0)
            continue
        ok = [p.tag for p in parts] == ["think", "answer"] and (parts[0].text or "").strip()
        ok = ok and not (parts[1].tail or "").strip() and len(parts[1]) == 0
        out.append(float(bool(ok) and (parts[1].text or "").strip() == a.split("####")[-1].strip()))
    return out
