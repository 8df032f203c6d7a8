"""The peer, where it is installed."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def peer() -> Any:
    """pedalboard.io: run, and never read."""
    return pytest.importorskip("pedalboard").io
