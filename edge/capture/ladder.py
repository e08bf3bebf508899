"""What is tried next when the camera fails: a pure state machine on CLOCK_MONOTONIC; it touches nothing.

    retry -> reopen (back-off) -> restart (the process ends) -> USB reset -> port power cycle -> and around again

Each rung has its tries in one round, a shortest interval and a budget per hour; a rung that may not be used now is
skipped, and reopening is always left: the ladder never answers "nothing". A picture does not end a climb, a minute of
pictures does: a camera that gives one after each reopening must not be reopened for ever.

Two kinds of trouble climb differently. A call that does not come back leaves nothing to this process but to shake the
device from outside or to end. A refusal (library, permission, setting) is for a person: told, and tried again.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, replace
from enum import StrEnum

HOUR_S = 3600.0
WELL_AFTER_S = 60.0  # of pictures: the climb is over
REFUSED_AGAIN_S = 15.0  # a library or a permission may have been put right meanwhile
FIRST_BACKOFF_S, LONGEST_BACKOFF_S = 0.5, 15.0


class Rung(StrEnum):
    RETRY = "retry"  # go on reading
    REOPEN = "reopen"
    RESTART = "restart"  # end non-zero; the supervisor starts a fresh process, which has this state on file
    USB_RESET = "usb-reset"
    POWER_CYCLE = "power-cycle"


class Trouble(StrEnum):
    SILENT = "silent"  # open, and no picture in time
    LOST = "lost"  # gone, wedged or answering nonsense
    FROZEN = "frozen"  # the same picture again
    SPOILT = "spoilt"  # a picture that cannot be believed: half written, rows shifted
    HUNG = "hung"  # a call has not come back
    REFUSED = "refused"


@dataclass(frozen=True)
class Limit:
    """How often a rung may be used."""

    tries: int  # in a row, in one round
    least_s: float  # from one use to the next
    per_hour: int


LIMITS = {
    Rung.RETRY: Limit(1, 0.0, 720),
    Rung.REOPEN: Limit(4, FIRST_BACKOFF_S, 400),  # its pause grows with every one of the climb
    Rung.RESTART: Limit(
        1, 90.0, 40
    ),  # interval x budget is the hour: a call that always hangs waits no longer than that
    Rung.USB_RESET: Limit(2, 60.0, 12),  # a neighbour on the same hub may feel it
    Rung.POWER_CYCLE: Limit(1, 300.0, 4),  # a cooled sensor takes minutes to come back to its temperature
}
ORDER = tuple(Rung)
ALWAYS = frozenset({Rung.RETRY, Rung.REOPEN, Rung.RESTART})


@dataclass(frozen=True)
class Climb:
    """Where on the ladder we stand. Begins at the foot; kept on file across a restart of the process."""

    rung: Rung | None = None  # used last in this climb
    tries: int = 0  # of it, in a row
    reopened: int = 0  # in this climb: sets the back-off
    rounds: int = 0  # times the top was left behind
    well_since_mono_s: float | None = None  # pictures flow since then
    used: tuple[tuple[Rung, float], ...] = ()  # uses of the last hour, oldest first

    def count(self, rung: Rung, since_mono_s: float) -> int:
        return sum(1 for used, mono_s in self.used if used is rung and mono_s > since_mono_s)


@dataclass(frozen=True)
class Step:
    """What to do, and when: `rung` None stands for "ask the device again" after a refusal."""

    rung: Rung | None
    at_mono_s: float

    def words(self, now_mono_s: float) -> str:
        """For `CameraHealth.recovery`."""
        wait_s = self.at_mono_s - now_mono_s
        what = self.rung or "waiting for the cause to be put right"
        return f"{what} in {wait_s:.1f} s" if self.rung and wait_s >= 0.05 else str(what)


def picture(climb: Climb, now_mono_s: float) -> Climb:
    """A good picture came."""
    if climb.well_since_mono_s is None:
        return replace(climb, well_since_mono_s=now_mono_s)
    if climb.rung is not None and now_mono_s - climb.well_since_mono_s >= WELL_AFTER_S:
        return Climb(well_since_mono_s=climb.well_since_mono_s, used=climb.used)
    return climb


def climb_on(climb: Climb, trouble: Trouble, now_mono_s: float, able: Set[Rung] = ALWAYS) -> tuple[Climb, Step]:
    """The next step, and the ladder once it is taken.

    Args: able: the rungs this machine has; RETRY, REOPEN and RESTART are taken for granted.
    """
    if trouble is Trouble.REFUSED:
        return replace(climb, well_since_mono_s=None), Step(None, now_mono_s + REFUSED_AGAIN_S)
    used = tuple((rung, mono_s) for rung, mono_s in climb.used if mono_s > now_mono_s - HOUR_S)
    climb = replace(climb, well_since_mono_s=None, used=used)
    fit = _fit(trouble) & (able | ALWAYS)
    rung = _next(climb, fit, now_mono_s)
    at_mono_s = max(now_mono_s + _pause_s(climb, rung), _free_mono_s(climb, rung))
    return _taken(climb, rung, at_mono_s), Step(rung, at_mono_s)


def _fit(trouble: Trouble) -> frozenset[Rung]:
    """The rungs that can help at all."""
    match trouble:
        case Trouble.SILENT | Trouble.FROZEN | Trouble.SPOILT:
            return frozenset(Rung)
        case Trouble.HUNG:
            return frozenset({Rung.RESTART, Rung.USB_RESET, Rung.POWER_CYCLE})
    return frozenset(Rung) - {Rung.RETRY}


def _next(climb: Climb, fit: Set[Rung], now_mono_s: float) -> Rung:
    """The same rung while it has tries left, then upwards and around; what must wait is passed over."""
    start = ORDER.index(climb.rung) if climb.rung is not None else 0
    if climb.rung is not None and climb.tries >= LIMITS[climb.rung].tries:
        start += 1
    around = [ORDER[(start + n) % len(ORDER)] for n in range(len(ORDER))]
    # A second round begins with reopening: a camera that failed all of that is past being asked again.
    fitting = [rung for rung in around if rung in fit and not (rung is Rung.RETRY and _climbed(climb))]
    free = [rung for rung in fitting if _free_mono_s(climb, rung) <= now_mono_s]
    return free[0] if free else min(fitting, key=lambda rung: _free_mono_s(climb, rung))


def _climbed(climb: Climb) -> bool:
    return climb.rung not in (None, Rung.RETRY) or climb.tries >= LIMITS[Rung.RETRY].tries


def _pause_s(climb: Climb, rung: Rung) -> float:
    return min(FIRST_BACKOFF_S * 2.0 ** min(climb.reopened, 16), LONGEST_BACKOFF_S) if rung is Rung.REOPEN else 0.0


def _free_mono_s(climb: Climb, rung: Rung) -> float:
    """The first moment at which the rung's interval and budget allow it."""
    uses, limit = [mono_s for used, mono_s in climb.used if used is rung], LIMITS[rung]
    after_last = uses[-1] + limit.least_s if uses else float("-inf")
    after_budget = uses[-limit.per_hour] + HOUR_S if len(uses) >= limit.per_hour else float("-inf")
    return max(after_last, after_budget)


def _taken(climb: Climb, rung: Rung, at_mono_s: float) -> Climb:
    again = climb.rung is rung
    around = climb.rung is not None and ORDER.index(rung) < ORDER.index(climb.rung)
    return replace(
        climb,
        rung=rung,
        tries=climb.tries + 1 if again else 1,
        reopened=climb.reopened + (rung is Rung.REOPEN),
        rounds=climb.rounds + around,
        used=(*climb.used, (rung, at_mono_s)),
    )
