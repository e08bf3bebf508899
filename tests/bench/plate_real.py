"""Real recordings through the solver, blind and from a plate:  python -m tests.bench.plate_real   (SKYSPOTTER_DATA)

Lowell's all-sky camera gives the start of 60 s in UT; Maryland's header says local time, so that frame must be refused
as it stands.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import numpy as np

from camera.device import Frame
from camera.files import read_frame
from camera.geodesy import Site
from camera.solve.solver import Solution, solve

LOWELL = Site(34.7443, -111.4222, 2360.0)
MARYLAND = Site(39.0021, -76.956, 20.0)
HOUR_NS = 3_600_000_000_000


def real_frames() -> None:
    folder = Path(os.environ.get("SKYSPOTTER_DATA", "../shared/data")) / "sky"
    frames = [(path, LOWELL, 0) for path in sorted((folder / "cloudynight_lowell").glob("00*.fits.bz2"))]
    frames += [(folder / "pyASC_maryland" / "IMG01324.FIT.gz", MARYLAND, hours) for hours in (0, 5, 4, 6)]
    if not frames[0][0].exists():
        print(f"\nno real recordings at {folder}: set SKYSPOTTER_DATA")
        return
    print(f"\n{'real frame':28} stars  rms px  centre px        focal px  tilt  score  blind s  prior s")
    solved: list[Solution] = []
    for path, site, hours in frames:
        frame = read_frame(path)
        begin = time.process_time()
        solution = solve(frame, site, utc_ns=frame.start_utc_ns + hours * HOUR_NS)
        took_s = time.process_time() - begin
        name = f"{path.parent.name[:14]} {path.name[:8]} {f'{hours:+d} h' if hours else ''}"
        evidence = solution.outcome.evidence
        if solution.plate is None or evidence is None:
            print(f"{name:28} refused: {solution.outcome.reason[:140]}")
            continue
        lens = solution.plate.parameters
        print(
            f"{name:28} {evidence.stars:5}  {evidence.rms_px:6.2f}  {lens.cx:7.2f} {lens.cy:7.2f}  {lens.f:8.2f}  "
            f"{evidence.tilt_deg:4.1f}  {evidence.score:5.0f}  {took_s:7.2f}  "
            f"{_prior_s(frame, solution, site, hours):7.2f}"
        )
        if site is LOWELL:
            solved.append(solution)
    lenses = np.array([one.plate.vector[3:6] for one in solved if one.plate is not None])
    centre_px, focal = np.hypot(*np.ptp(lenses[:, :2], axis=0)), np.ptp(lenses[:, 2]) / lenses[:, 2].mean()
    print(
        f"the {len(solved)} of one camera: centres within {centre_px:.2f} px, focal lengths within {100 * focal:.2f} %"
    )


def _prior_s(frame: Frame, solution: Solution, site: Site, hours: int) -> float:
    """Processor seconds of the whole way from pixels to plate, with a plate to start from."""
    begin = time.process_time()
    solve(frame, site, utc_ns=frame.start_utc_ns + hours * HOUR_NS, prior=solution.plate)
    return time.process_time() - begin


if __name__ == "__main__":
    sys.exit(real_frames())
