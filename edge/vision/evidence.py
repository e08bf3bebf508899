"""What deserves that its frames are kept: asked of the camera's recorder, which holds them beyond its ring.

Asked for is what somebody will want to see again: an object inside the region, a hold by people, a fault that latched
from what the camera saw, a meteor, an object of the camera that nobody could explain. A request is a small file on
tmpfs (`camera.store.evidence` says why), so the decision never waits for a disk.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from pathlib import Path

from camera.store.evidence import Request, ask
from edge.guard.model import Verdict
from edge.records import SkyObject
from edge.vision.station import Moment

CODES = {
    "object-inside": "hold",
    "remote-hold": "hold",
    "local-hold": "hold",
    "plate-jumped": "plate",
    "canary-missed": "canary",
}
MOST_PER_HOUR = 60  # a detector gone mad must not push the evidence of other nights out of its quota


class EvidenceAsked:
    """Of one station. `counters`: requests made, left out as too many, and those that could not be left."""

    def __init__(self, spool: Path, beside_s: float) -> None:
        self.counters: Counter[str] = Counter(evidence_asked=0, evidence_too_many=0, evidence_failed=0)
        self._spool, self._beside_s = spool, beside_s
        self._active: dict[str, frozenset[str]] = {}  # by beam
        self._told: dict[str, set[str]] = {}  # by beam: objects asked for already
        self._covered_until_ns: dict[str, int] = {}  # by kind: frames up to there are asked for
        self._asked_mono_s: deque[float] = deque()

    def notice(self, beam: str, verdict: Verdict, objects: Iterable[SkyObject], now: Moment) -> None:
        """After every decision of a beam. Never raises."""
        for kind, words, age_s in self._new(beam, verdict, objects):
            event_ns = now.sky_utc_ns - round(1e9 * age_s)
            if event_ns <= self._covered_until_ns.get(kind, 0):
                continue  # of the same minute, or of another beam
            while self._asked_mono_s and now.mono_s - self._asked_mono_s[0] > 3600.0:
                self._asked_mono_s.popleft()
            if len(self._asked_mono_s) >= MOST_PER_HOUR:
                self.counters["evidence_too_many"] += 1
                continue
            beside_ns = round(1e9 * self._beside_s)
            request = Request(kind, words, event_ns - beside_ns, now.sky_utc_ns + beside_ns)
            try:
                taken = ask(self._spool, request)
            except (OSError, ValueError):
                self.counters["evidence_failed"] += 1
                continue
            self.counters["evidence_asked" if taken else "evidence_too_many"] += 1
            self._asked_mono_s.append(now.mono_s)
            self._covered_until_ns[kind] = now.sky_utc_ns + beside_ns // 2

    def _new(self, beam: str, verdict: Verdict, objects: Iterable[SkyObject]) -> list[tuple[str, str, float]]:
        """(kind, words, seconds since) of what was not so at the decision before."""
        began = verdict.active - self._active.get(beam, frozenset())
        self._active[beam] = verdict.active
        words = {reason.code: reason.words for reason in verdict.reasons}
        found = [(CODES[code], words.get(code, code), 0.0) for code in sorted(began) if code in CODES]
        told, here = self._told.get(beam, set()), {thing.id: thing for thing in objects}
        for key, thing in here.items():
            if key not in told and (kind := _worth(thing)):
                found.append((kind, f"{key}: {thing.evidence or thing.identity}", max(thing.age_s, 0.0)))
                told.add(key)
        self._told[beam] = told & here.keys()
        return found


def _worth(thing: SkyObject) -> str:
    if thing.identity == "meteor":
        return "meteor"
    return "unknown" if thing.identity == "unknown" and "camera" in thing.senses and thing.state == "confirmed" else ""
