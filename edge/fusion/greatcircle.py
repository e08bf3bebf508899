"""Where something that flies straight will stand on the sky: a great circle, and the law of its angle with time.

Straight flight stays in one plane with the observer, hence on one great circle, and along it
psi(t) = psi_c + atan(k (t - t_c)): the tangent of a point that passes at constant speed. Written as
psi = atan2(y0 + vy t, 1 + vx t) (position and velocity in that plane, in units of the distance at the epoch) the law is
linear in its three parameters once the rows are divided by the distance, so three rounds of reweighted least squares
do what a nonlinear solver would.

*Why* the level-flight row: two seconds of trail say nothing about vx, the approach along the line of sight. Constant
height does: d(R sin el)/dt = 0 gives vx = -vy (df_z / e_z). It enters as one observation with the weight of an ordinary
climb, so longer tracks overrule it; it is also what keeps a single trail from being extrapolated at constant rate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.records import HORIZON_S, Hypothesis

Vector = NDArray[np.float64]

CLIMB_PER_S = 0.0015  # vertical speed over height, 1 sigma: 15 m/s at 10 km, 5 m/s at 3 km
LARGEST_APPROACH_PER_S = 0.1  # level flight cannot close faster than 60 m/s at 600 m; beyond it is no level flight
CLIPPED_SHARE = 0.06  # of the exposure, by which the ends of a trail come late or early (lights flash, edges are faint)
TURN_RAD_PER_S = np.radians(3.0)  # a standard-rate turn (ICAO Doc 8168, 2 min for a full circle)
DOT_SPREAD_DPS = 0.5  # how fast a dot may wander, 1 sigma: a flash hides its rate
LARGEST_SIGMA_RAD = np.pi / 2


def normalised(vectors: Vector) -> Vector:
    """(..., 3) -> unit length; zero vectors stay zero."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.where(length > 0, length, 1.0))


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """One fitted motion: where it is at any time, how fast it turns, and one sigma along and across."""

    axes: Vector  # (3, 3) rows: direction at the epoch, direction of motion, pole of the great circle (ENU)
    law: Vector  # (3,) y0, vy, vx: radians, 1/s, 1/s
    covariance: Vector  # (3, 3) of `law`
    epoch_utc_ns: int
    newest_s: float  # of the newest evidence, after the epoch
    across_rad2: tuple[float, float, float]  # variance at the middle of the arc, angle of the middle, variance per rad²
    noise_rad: float  # of one direction: plate and detection together; never averaged away, the plate's part is common
    spread_rad_per_s: float = 0.0  # a dot: unknown motion in any direction

    @property
    def rate_rad_per_s(self) -> float:
        """Along the great circle at the newest evidence."""
        return float(self._motion(np.array([self.newest_s]))[1][0])

    @property
    def rate_sigma_rad_per_s(self) -> float:
        return float(np.sqrt(self.covariance[1, 1])) + self.spread_rad_per_s

    def _motion(self, t_s: Vector) -> tuple[Vector, Vector, Vector]:
        """Angle (rad), rate (rad/s) and one sigma of the angle, of the fit alone."""
        y0, vy, vx = self.law
        x, y = 1.0 + vx * t_s, y0 + vy * t_s
        reach2 = np.maximum(x * x + y * y, 1e-6)
        gradient = np.stack((x, x * t_s, -y * t_s), axis=-1) / reach2[:, None]
        variance = np.einsum("ni,ij,nj->n", gradient, self.covariance, gradient)
        return np.arctan2(y, x), (x * vy - y * vx) / reach2, np.sqrt(np.maximum(variance, 0.0))

    def at(self, utc_ns: NDArray[np.int64]) -> tuple[Vector, Vector, Vector, Vector]:
        """Directions (N, 3), their motion (N, 3) in rad/s, one sigma along and across (N,) in radians.

        Beyond the newest evidence a third of a standard-rate turn is added: the hardest turn is taken for three sigma.
        """
        t_s = (np.asarray(utc_ns, dtype=np.int64) - self.epoch_utc_ns) / 1e9
        psi, rate, along = self._motion(t_s)
        towards, forward, _ = self.axes
        cos, sin = np.cos(psi)[:, None], np.sin(psi)[:, None]
        centre, middle, tilt = self.across_rad2
        across2 = centre + (psi - middle) ** 2 * tilt
        unseen_s = np.maximum(t_s - self.newest_s, 0.0)
        common2 = (
            self.noise_rad**2
            + (np.abs(rate) * TURN_RAD_PER_S / 2 * unseen_s**2 / 3) ** 2
            + (self.spread_rad_per_s * np.maximum(np.abs(t_s), unseen_s)) ** 2
        )
        return (
            cos * towards + sin * forward,
            rate[:, None] * (cos * forward - sin * towards),
            np.minimum(np.sqrt(along**2 + common2), LARGEST_SIGMA_RAD),
            np.minimum(np.sqrt(across2 + common2), LARGEST_SIGMA_RAD),
        )

    def ahead(self, now_utc_ns: int) -> Hypothesis:
        """The path over HORIZON_S from now on, with the larger of the two sigmas."""
        unit, _, along, across = self.at(now_utc_ns + HORIZON_NS)
        return Hypothesis(unit, np.degrees(np.maximum(along, across)))


HORIZON_NS: NDArray[np.int64] = np.round(HORIZON_S * 1e9).astype(np.int64)


def fit_courses(
    points: Vector, begin_utc_ns: NDArray[np.int64], end_utc_ns: NDArray[np.int64], noise_rad: float
) -> tuple[Course, ...]:
    """Motions that explain F exposures: one, or both directions while they cannot be told apart.

    Args:
        points: (F, P, 3) unit vectors, each row evenly along its trail, from either end; P odd.
        begin_utc_ns, end_utc_ns: (F,) of the exposures, in order of time, begin <= end.
        noise_rad: one sigma of one direction.
    """
    epoch = int(begin_utc_ns[-1] // 2 + end_utc_ns[-1] // 2)
    begin_s, end_s = (begin_utc_ns - epoch) / 1e9, (end_utc_ns - epoch) / 1e9
    flat = points.reshape(-1, 3)
    centre = normalised(flat.sum(axis=0))
    reach = float(np.arccos(np.clip((flat @ centre).min(), -1.0, 1.0)))
    _, vectors = np.linalg.eigh(flat.T @ flat)
    pole = vectors[:, 0]
    towards = centre - (centre @ pole) * pole
    scattered = float(np.linalg.norm(towards)) < 0.5  # all over the sky: nothing that flies; the newest is what counts
    if scattered or reach < 1.5 * noise_rad:
        frames, there = (1, points[-1, points.shape[1] // 2]) if scattered else (len(points), centre)
        return (resting(there, float(end_s[-1] - begin_s[0]), frames, epoch, float(end_s[-1]), noise_rad),)

    towards = normalised(towards)
    forward = np.cross(pole, towards)
    psi = np.arctan2(points @ forward, points @ towards)  # (F, P)
    middle_s, middle_psi = (begin_s + end_s) / 2, psi[:, psi.shape[1] // 2]
    moved = 0.0
    if len(points) > 1 and np.ptp(middle_s) > 0:
        slope = float(np.polyfit(middle_s, middle_psi, 1)[0])
        moved = slope * float(np.ptp(middle_s))
    signs = (np.sign(moved),) if abs(moved) > 3 * noise_rad else (1.0, -1.0)
    return tuple(
        _fit(np.stack((towards, sign * forward, sign * pole)), sign * psi, begin_s, end_s, epoch, noise_rad)
        for sign in signs
    )


def resting(centre: Vector, span_s: float, frames: int, epoch: int, newest_s: float, noise_rad: float) -> Course:
    """Something that stayed within `noise_rad` of a direction for `span_s`, over so many exposures."""
    east = np.array([1.0, 0.0, 0.0]) if abs(centre[0]) < 0.9 else np.array([0.0, 1.0, 0.0])
    forward = normalised(np.cross(centre, east))
    spread = np.radians(DOT_SPREAD_DPS)
    if frames > 1:  # it stayed within the noise for that long
        spread = min(spread, 3 * noise_rad / max(span_s, 0.1))
    axes: Vector = np.stack((centre, forward, np.cross(centre, forward)))
    return Course(axes, np.zeros(3), np.zeros((3, 3)), epoch, newest_s, (0.0, 0.0, 0.0), noise_rad, float(spread))


def _fit(axes: Vector, psi: Vector, begin_s: Vector, end_s: Vector, epoch: int, noise_rad: float) -> Course:
    ends = np.sort(psi, axis=1)
    observed = np.stack((ends[:, 0], psi[:, psi.shape[1] // 2], ends[:, -1]), axis=1).ravel()
    t_s = np.stack((begin_s, (begin_s + end_s) / 2, end_s), axis=1).ravel()
    exposure_s = end_s - begin_s
    duration = max(float(t_s.max() - t_s.min()), 1e-3)
    rough = float(np.ptp(observed)) / duration
    late_s = CLIPPED_SHARE * np.stack((exposure_s, exposure_s / 2, exposure_s), axis=1).ravel()
    sigma = np.hypot(noise_rad, rough * late_s)

    climb = axes[1, 2] / max(float(axes[0, 2]), 0.05)
    if abs(climb * rough) > LARGEST_APPROACH_PER_S:
        climb = 0.0
    prior = np.array([[0.0, climb / CLIMB_PER_S, 1.0 / CLIMB_PER_S], [0.0, 1e-2, 0.0]])  # level flight; any rate at all
    law: Vector = np.zeros(3)
    reach = np.ones_like(t_s)
    cos, sin = np.cos(observed), np.sin(observed)
    normal = np.eye(3)
    for _ in range(3):
        weight = 1.0 / (sigma * reach)
        rows = np.stack((cos, t_s * cos, -t_s * sin), axis=1) * weight[:, None]
        normal = rows.T @ rows + prior.T @ prior
        law = np.linalg.solve(normal, rows.T @ (sin * weight))
        reach = np.maximum(np.hypot(1.0 + law[2] * t_s, law[0] + law[1] * t_s), 1e-2)

    middle = float(psi.mean())
    spread2 = max(float(np.sum((psi - middle) ** 2)), noise_rad**2)
    across = (noise_rad**2 / psi.size, middle, noise_rad**2 / spread2)
    covariance: Vector = np.asarray(np.linalg.inv(normal), dtype=np.float64)
    return Course(axes, law, covariance, epoch, float(end_s[-1]), across, noise_rad)
