"""The text room: what a post says, as plain text, with the marks that its source made in it.

``clean`` is the way through: markup is resolved (``html``, ``markup``), what only addresses or tags
is taken out, the parts are put together and their language is named (``language``). ``quality``
counts words. ``marked`` holds the value that flows: text, and ranges into it that every edit keeps
right. All of it is pure functions.
"""
