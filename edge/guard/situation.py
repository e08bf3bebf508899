"""Everything the guard may look at, put before it as one snapshot; whoever asks has no other way to influence it.

Defaults are the worst: a field nobody filled never helps a permit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.records import Pointing, SensorReport, SensorState, SkyObject

UNKNOWN = SensorReport(SensorState.DEAD, "nothing heard of it yet")

# `SensorReport.details["cause"]`, where one state has several causes that the fault table tells apart.
ABSENT = "absent"  # camera, radio: not part of this station, by its configuration
FROZEN = "frozen"  # camera: pictures arrive, but the same one again and again
REFUSED = "refused"  # plate: a file is there, but damaged or of another camera or region
JUMPED = "jumped"  # plate: the stars are no longer where it says

Sees = Callable[[NDArray[np.float64]], NDArray[np.bool_]]  # (N, 3) east-north-up -> (N,): would show an aircraft there


@dataclass(frozen=True, slots=True, eq=False)
class Situation:
    """One moment. `_mono_s` are CLOCK_MONOTONIC; None: never. Texts: empty is well, else what is wrong, in words."""

    utc_ns: int  # the real wall clock now, also in a simulation

    camera: SensorReport = UNKNOWN
    picture_end_mono_s: float | None = None  # end of exposure of the newest picture that was judged
    picture_exposure_s: float = 0.0
    sees: Sees | None = None  # where that picture would have shown an aircraft; None: nowhere

    radio: SensorReport = UNKNOWN
    radio_heard_mono_s: float | None = None  # the newest RadioHealth that said OK

    clock: SensorReport = UNKNOWN
    clock_error_s: float | None = None  # bound of the error of UTC; None: unknown

    plate: SensorReport = UNKNOWN
    plate_sigma_deg: float = 0.0

    pointing: Pointing | None = None
    pointing_refused: str = ""  # why the newest message on the pointing topic was no pointing; a good one empties it

    objects: tuple[SkyObject, ...] = ()
    objects_mono_s: float | None = None  # the moment that HORIZON_S = 0 of their paths stands for

    primary_heard_mono_s: float | None = None  # heartbeat of the station's own primary measure (radar, spotter)
    local_hold: str = ""  # somebody at the box holds; they release it
    remote_hold: str = ""  # somebody on the network holds: latches
    twin: str = ""  # another box that speaks with this station's id

    canary_missed: str = ""
    parity_failed: str = ""
    evidence_broken: str = ""
    disk_full: str = ""
    stopping: bool = False
