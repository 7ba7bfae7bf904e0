"""What can be asked of a runtime by name: one table of verbs for the command line and `%nbsched`."""

from nbsched.verbs import comparing, runs, schedules, upkeep, why  # noqa: F401  # each adds its verbs to the table
from nbsched.verbs.table import VERBS, Answer, Verb

__all__ = ["VERBS", "Answer", "Verb"]
