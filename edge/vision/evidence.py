"""What deserves that its frames are kept: asked of the camera's recorder, which holds them beyond its ring.

Asked for is what somebody will want to see again: an object inside the region, a hold by people, a fault that latched
from what the camera saw, a meteor, an object of the camera that nobody could explain. A request is a small file on
tmpfs (`camera.store.evidence` says why), so the decision never waits for a disk.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from camera.store.evidence import LONGEST_S, Request, ask
from edge.guard.verdict import Verdict
from edge.records import SkyObject
from edge.runtime.clock import Moment

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
        self._spool, self._beside_ns = spool, round(1e9 * beside_s)
        self._active: dict[str, frozenset[str]] = {}  # by beam
        self._told: dict[str, set[str]] = {}  # by beam: objects asked for already
        self._lasting: dict[tuple[str, str], Request] = {}  # by beam and code: asked for when it began
        self._covered_until_ns: dict[str, int] = {}  # by kind: frames up to there are asked for
        self._asked_mono_s: deque[float] = deque()

    def notice(self, beam: str, verdict: Verdict, objects: Iterable[SkyObject], now: Moment) -> None:
        """After every decision of a beam. Never raises."""
        before, self._active[beam] = self._active.get(beam, frozenset()), verdict.active
        words = {reason.code: reason.words for reason in verdict.reasons}
        for code in sorted((verdict.active - before) & CODES.keys()):
            if request := self._ask(CODES[code], words.get(code, code), now.sky_utc_ns, now):
                self._lasting[beam, code] = request
        for code in before - verdict.active:
            if begun := self._lasting.pop((beam, code), None):
                longest_ns = begun.begin_utc_ns + round(LONGEST_S * 1e9)
                self._leave(replace(begun, end_utc_ns=min(now.sky_utc_ns + self._beside_ns, longest_ns)))
        told, here = self._told.get(beam, set()), {thing.id: thing for thing in objects}
        for key, thing in here.items():
            if key not in told and (kind := _worth(thing)):
                seen_ns = now.sky_utc_ns - round(1e9 * max(thing.age_s, 0.0))
                self._ask(kind, f"{key}: {thing.evidence or thing.identity}", seen_ns, now)
                told.add(key)
        self._told[beam] = told & here.keys()

    def _ask(self, kind: str, words: str, event_ns: int, now: Moment) -> Request | None:
        """None for what is covered by an earlier request (of the same minute, of another beam) or too much."""
        if event_ns <= self._covered_until_ns.get(kind, 0):
            return None
        while self._asked_mono_s and now.mono_s - self._asked_mono_s[0] > 3600.0:
            self._asked_mono_s.popleft()
        if len(self._asked_mono_s) >= MOST_PER_HOUR:
            self.counters["evidence_too_many"] += 1
            return None
        request = Request(kind, words, event_ns - self._beside_ns, now.sky_utc_ns + self._beside_ns)
        if not self._leave(request):
            return None
        self.counters["evidence_asked"] += 1
        self._asked_mono_s.append(now.mono_s)
        self._covered_until_ns[kind] = now.sky_utc_ns + self._beside_ns // 2
        return request

    def _leave(self, request: Request) -> bool:
        """For the recorder; one with the same begin and kind extends what was asked before."""
        try:
            taken = ask(self._spool, request)
        except (OSError, ValueError):
            self.counters["evidence_failed"] += 1
            return False
        self.counters["evidence_too_many"] += not taken
        return taken


def _worth(thing: SkyObject) -> str:
    if thing.identity == "meteor":
        return "meteor"
    return "unknown" if thing.identity == "unknown" and "camera" in thing.senses and thing.state == "confirmed" else ""
