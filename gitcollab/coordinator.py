"""Where the prompts of autoresearch@home find the class that they call."""

from __future__ import annotations

from gitcollab.faces.coordinator.coordinator import Coordinator

__all__ = ["Coordinator"]
