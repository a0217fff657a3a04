"""Preferences on a page: a ballot worked by keys, what was judged, and the pairs made of it."""
