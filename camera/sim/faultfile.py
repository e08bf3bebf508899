"""A fault of a simulated device, asked for from outside while it runs: a file with the fault's name inside."""

from __future__ import annotations

import logging
from collections.abc import Collection
from pathlib import Path

log = logging.getLogger(__name__)


class FaultFile:
    """`path` None: nobody can ask. An unknown name is no fault, and is said once."""

    def __init__(self, path: Path | None, known: Collection[str]) -> None:
        self._path, self._known, self._told = path, known, ""

    def wanted(self) -> str:
        """The fault in force, "" for none."""
        if self._path is None:
            return ""
        try:
            name = self._path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return ""
        if name in self._known:
            return name
        if name and name != self._told:
            self._told = name
            log.warning("%s: no such fault: %s; known: %s", self._path, name, ", ".join(self._known))
        return ""

    def over(self, fault: str) -> None:
        """Ends this fault, as what was done to the device ends it; another that stands there stays."""
        if self._path is not None and self.wanted() == fault:
            self._path.unlink(missing_ok=True)
