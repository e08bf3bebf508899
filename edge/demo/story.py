"""What a newcomer should look at, moment by moment: sentences made from the truth of the scenario. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from camera.sim.scenario import Scenario
from edge.demo.truth import SkyTruth, sky_truth, spans


@dataclass(frozen=True)
class Moment:
    """Words that hold from `begin_s` to `end_s`; of several at once the one with the highest rank is told."""

    begin_s: float
    end_s: float
    rank: int
    words: str


def story(scenario: Scenario, cone_deg: float) -> tuple[Moment, ...]:
    """All moments of a night."""
    truth = sky_truth(scenario, step_s=0.5)
    end_s = scenario.duration_s
    first_on_s = scenario.beam.lasing_s[0][0] if scenario.beam.lasing_s else end_s
    moments = [
        Moment(0.0, end_s, 0, "Free sky: permitted, the laser fires. The station knows its own beam in its pictures."),
        Moment(-60.0, first_on_s, 7, "The station wakes up: all senses must prove themselves before any permit."),
        *_crossings(truth, cone_deg),
    ]  # fmt: skip
    for satellite in truth.satellites:
        shown = satellite.sunlit & (satellite.azel_deg[:, 1] > 20) & (truth.t_s > first_on_s + 10.0)
        for begin_s, until_s in spans(shown, truth.t_s):
            words = (
                f"Satellite {satellite.name} is passing, lit by the Sun: named by its elements, so nobody has to guess."
            )
            moments.append(Moment(begin_s, min(until_s, begin_s + 20.0), 2, words))
    for meteor in scenario.meteors:
        words = "A meteor! In one frame and in no second one; nothing that flies is so short."
        moments.append(Moment(meteor.t_s, meteor.t_s + 8.0, 4, words))
    for cloud in scenario.clouds:
        words = (
            f"Cloud covers the {_wind(cloud.azimuth_deg)}: the camera is blind there and says so; blind is never clear."
        )
        begin_s = cloud.t_start_s + 0.1 * (cloud.t_end_s - cloud.t_start_s)
        moments.append(Moment(begin_s, min(begin_s + 20.0, cloud.t_end_s), 3, words))
    return tuple(moments)


def told_at(moments: tuple[Moment, ...], t_s: float) -> str:
    """What to say now; an empty text when there is nothing."""
    now = [moment for moment in moments if moment.begin_s <= t_s < moment.end_s]
    return max(now, key=lambda moment: moment.rank).words if now else ""


def _crossings(truth: SkyTruth, cone_deg: float) -> list[Moment]:
    moments = []
    for aircraft in truth.aircraft:
        up = aircraft.azel_deg[:, 1] > 5
        for begin_s, end_s in spans((aircraft.from_beam_deg < cone_deg) & up, truth.t_s):
            if aircraft.aircraft.transponder:
                km = aircraft.aircraft.height_ref_m / 1000
                coming = f"Airliner {aircraft.name}, {km:.1f} km up, nears the beam. The radio knows: watch the hold."
                past = f"{aircraft.name} is past."
                inside = f"{aircraft.name} is crossing the guarded cone. The station holds, the laser is off."
            else:
                coming = (
                    "A light aircraft without transponder nears the beam. Only the camera can know: watch the hold."
                )
                past = "The light aircraft is past."
                inside = (
                    "A light aircraft without transponder is crossing the beam. The camera alone holds the laser back."
                )
            moments.append(Moment(begin_s - 20.0, begin_s, 5, coming))
            moments.append(Moment(begin_s, end_s, 6, inside))
            moments.append(
                Moment(end_s, end_s + 8.0, 4, f"{past} The permit comes back once its path is clear of the beam.")
            )
    return moments


def _wind(azimuth_deg: float) -> str:
    names = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")
    return names[int(np.round(azimuth_deg / 45.0)) % 8]
