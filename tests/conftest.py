"""Shared by all tests: where the real recordings are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real recordings; the test is skipped, saying so, where it is absent."""
    folder = Path(os.environ.get("SKYSPOTTER_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real recordings at {folder}: set SKYSPOTTER_DATA")
    return folder
