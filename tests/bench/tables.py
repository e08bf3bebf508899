"""How figures of a benchmark are printed: one row per thing, p50, p95, max, and what else the machine was doing."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import numpy as np


def table(title: str, unit: str, rows: Mapping[str, Sequence[float]], digits: int = 0) -> None:
    print(f"{title:44} {'p50':>8} {'p95':>8} {'max':>8}  n")
    for name, values in rows.items():
        if len(values):
            p50, p95, most = np.percentile(values, [50, 95, 100])
            print(f"  {name:42} {p50:8.{digits}f} {p95:8.{digits}f} {most:8.{digits}f}  {len(values)} {unit}")


def machine() -> str:
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    return f"{os.cpu_count()} cores, load average {load}"
