"""The published study's arithmetic, on a rendered night's truth with invented detections."""

import numpy as np
import pytest

from models.contract import Trail
from models.nights import FARTHEST_M, traffic_night
from models.study import MASK_DEG, Study, StudyFrame, study_frames


@pytest.fixture(scope="module")
def seen() -> StudyFrame:
    return next(iter(study_frames([5], exposure_s=10.0, frames=1)))


def as_detected(seen: StudyFrame, which: list[int]) -> list[Trail]:
    return [Trail("aircraft", 0.9, seen.truth[i].polyline_px) for i in which]


def test_every_transmitting_aircraft_above_the_mask_counts_faint_or_not(seen: StudyFrame) -> None:
    night = traffic_night(5)
    silent = {aircraft.icao for aircraft in night.aircraft if not aircraft.transponder}
    for trail, high_deg, counted in zip(seen.truth, seen.elevation_deg, seen.counted, strict=True):
        expected = trail.trail_class == "aircraft" and trail.id not in silent and high_deg >= MASK_DEG
        if counted != expected:
            aircraft = next(a for a in night.aircraft if a.icao == trail.id)
            assert np.linalg.norm(aircraft.enu_m([30.0], night.site)) > 0.9 * FARTHEST_M
    assert any(counted and not trail.visible for trail, counted in zip(seen.truth, seen.counted, strict=True))


def test_found_all_gives_all_and_nothing_false(seen: StudyFrame) -> None:
    study = Study("all")
    study.add(seen, as_detected(seen, list(range(len(seen.truth)))))
    found, of = study.share(MASK_DEG, 90.0)
    assert found == of == sum(seen.counted) > 0
    assert study.false_share == 0.0
    assert study.detections["adsb"] >= of


def test_found_none_and_one_invented_trail(seen: StudyFrame) -> None:
    study = Study("none")
    centre = seen.plate.azel_to_pixel(np.array([[10.0, 88.0], [190.0, 88.0]]), seen.frame.origin_px)
    study.add(seen, [Trail("aircraft", 0.9, centre)])
    assert study.share(MASK_DEG, 90.0)[0] == 0
    assert study.false_share == 1.0
    assert "false detections: 100.0% of all" in study.text()


def test_what_lies_below_the_mask_is_not_counted_either_way(seen: StudyFrame) -> None:
    study = Study("low")
    low = seen.plate.azel_to_pixel(np.array([[10.0, 4.0], [14.0, 4.0]]), seen.frame.origin_px)
    study.add(seen, [Trail("aircraft", 0.9, low)])
    assert not study.detections
