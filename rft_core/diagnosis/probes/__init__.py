"""Probes: attack a reward set before training, and say what pays.

`reward_probes.py` is the door. For each prompt `search.py` finds the right answer and its form
(`answers.py`, `forms.py`) and makes a `target.py` of them; `attacks.py` lists the attacks and
`texts.py` writes their completions; `rules.py` decides what is overpaid, measured by what honest
and empty completions earn; `report.py` says it in words.
"""
