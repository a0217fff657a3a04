"""Chat on a page: who answers, a conversation in turns, and rating answers one after the other."""
