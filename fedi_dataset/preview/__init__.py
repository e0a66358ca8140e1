"""Preview: rows of a release as a person reads them, on a terminal, with what is trained marked.

``rows`` picks and joins them, ``above`` says what stands above them, ``lines`` lays them out, ``terminal`` prints them
without trusting a character of theirs.
"""

from fedi_dataset.preview.lines import lines_of
from fedi_dataset.preview.rows import Shown, Wanted, preview

__all__ = ["Shown", "Wanted", "lines_of", "preview"]
