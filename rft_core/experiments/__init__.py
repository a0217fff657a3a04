"""Experiments: many runs that answer one question, held against each other and their controls.

A trial is an ordinary run, launched, stopped, watched and deleted as any other, and known by its
settings: asking twice is asking once, and two experiments that want the same run share it. What has
been done so far is always read from the runs and from the stored evaluations, never remembered.
"""
