"""What is raised when a model cannot be read, converted or trusted."""

from __future__ import annotations

from luthier.core import LuthierError

__all__ = ["ModelError"]


class ModelError(LuthierError, ValueError):
    """A model pack or a network is damaged, unknown to this version, or not what it should be."""
