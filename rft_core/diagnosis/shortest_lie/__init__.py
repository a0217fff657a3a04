"""The shortest lie: the shortest completion found that is paid in full and is wrong.

`search.py` is the door: it scores the beginnings (`beginnings.py`: stored generations, attacks,
answers in the reward's form), mutates what pays (`mutations.py`), keeps what is paid in full while
an independent check (`opinion.py`, `readings.py`, `row_gold.py`) says wrong, and shrinks that
(`shrinking.py`). It knows rewards and checks as two functions only, and nothing of any bug.
"""
