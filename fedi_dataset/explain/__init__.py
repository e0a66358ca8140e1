"""Explain: the way of one post through all gates, and what became of it. No word of anybody is shown.

``gates`` asks the gate step by step, ``evidence`` says on what each answer rests, ``words`` what there is to train on,
``outcome`` what a release made of it (from where it hangs, ``thread``, and why it is not trained, ``reason``), and
``story`` puts them together.
"""

from fedi_dataset.explain.story import Story, explain, told

__all__ = ["Story", "explain", "told"]
