"""What the harness says when it cannot do its work."""

from __future__ import annotations


class TaskError(Exception):
    """An expected failure of the harness: one clear line, and the next step for the user."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """Return the message and the next step, as a program without our command line prints it."""
        return f"{self.message} ({self.hint})" if self.hint else self.message
