"""Patterns: what names or reaches a person by its form, one module an idea.

Each module gives the recognizers of its idea; :mod:`fedi_dataset.privacy.recognizers` has the list.
All of them take time in proportion to the text, whatever stands in it: repetition is possessive,
bounded, or begins only where nothing of the same kind goes before.
"""
