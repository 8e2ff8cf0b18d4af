"""A run that was ended for nothing that is its own: it says nothing, and nothing is published."""

from __future__ import annotations


class Interrupted(Exception):  # noqa: N818 - reads as what it is
    """The run was ended, or what it measured counts for nothing; why, in words.

    No GitcollabError: it is no failure of the experiment's, which may be begun anew.
    """

    def __init__(self, message: str, hint: str = "run it again", *, is_stall: bool = True) -> None:
        super().__init__(message)
        self.hint = hint
        self.is_stall = is_stall  # rather than somebody's wish

    @property
    def told(self) -> str:
        """Why, and what has been undone."""
        return ": ".join((str(self), *getattr(self, "__notes__", ())))
