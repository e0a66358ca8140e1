"""Conversations: which posts belong together, and the dialogues and rows that come of them."""
