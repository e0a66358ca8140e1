"""Privacy: what names or reaches a person is found, and replaced by numbered placeholders.

``detector`` finds it in one text by itself; ``identities`` finds the people of the conversation;
``placeholders`` joins what both found, numbers it within a row, and writes the placeholders.
"""
