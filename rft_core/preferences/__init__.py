"""Preferences: what is made of people's judgements; pairs, agreement, and what to ask next.

    asking ─> (a person) ─> store/preferences ─> pairs ─> data/pair_set       agreement watches

Pure functions over stored judgements: nothing here is stored in their place.
"""
