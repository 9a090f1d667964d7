"""Import of a merchant's files: every row checked before the first is stored, one transaction per file."""

from app.subscriptions.importing.kinds import KINDS
from app.subscriptions.importing.problems import ImportRefused, Problem
from app.subscriptions.importing.run import Imported, Progress, import_file

__all__ = ["KINDS", "ImportRefused", "Imported", "Problem", "Progress", "import_file"]
