"""The published study's arithmetic: on frames made by hand, where every sum is known, and on a rendered night."""

from dataclasses import replace

import numpy as np
import pytest

from camera.device import Frame
from camera.sim.renderer import ROI_PX, TruthTrail, simulated_plate
from models.contract import Trail
from models.nights import AS_PUBLISHED, FARTHEST_M, traffic_night
from models.study import (
    ABOVE_DEG,
    ELEVATION,
    MASK_DEG,
    PEAK,
    STEADY,
    Study,
    StudyFrame,
    grids,
    judge,
    study,
    study_frames,
)

PLATE = simulated_plate(traffic_night(5))
EMPTY = Frame(
    0, 0, 0.0, 10.0, 0, 1.0, PLATE.region.origin_px, "RGGB", 65535, 0.0, 0.0, np.zeros(ROI_PX[::-1], np.uint16)
)


def line(azimuth_deg: float, elevation_deg: float) -> np.ndarray:
    """(2, 2) of six degrees of azimuth on one side of the sky: far from those at another azimuth."""
    ends = np.array([[azimuth_deg, elevation_deg], [azimuth_deg + 6, elevation_deg]])
    return PLATE.azel_to_pixel(ends, EMPTY.origin_px)


def by_hand() -> StudyFrame:
    """Four heard aircraft (one below the mask), a silent one, a satellite and an invisible one, a meteor."""
    made = [  # class, azimuth, elevation, peak SNR, SNR of the steady light, heard
        ("aircraft", 10, 45, 40.0, 12.0, True),
        ("aircraft", 60, 25, 12.0, 4.0, True),
        ("aircraft", 110, 15, 3.0, 1.5, True),
        ("aircraft", 160, 5, 9.0, 6.0, False),
        ("aircraft", 210, 40, 30.0, 9.0, False),
        ("satellite", 260, 50, 8.0, 8.0, False),
        ("satellite", 300, 50, 2.0, 2.0, False),
        ("meteor", 340, 35, 90.0, 90.0, False),
    ]
    truth = tuple(
        TruthTrail(c, f"{az}", line(az, el), peak, steady, 3 * peak, 100.0, visible=peak >= 5)
        for c, az, el, peak, steady, _ in made
    )
    return StudyFrame(
        "by hand", EMPTY, truth, tuple(float(row[2]) for row in made), tuple(row[5] for row in made), PLATE
    )


def seen_as(name: str, azimuth_deg: float, elevation_deg: float) -> Trail:
    return Trail(name, 0.9, line(azimuth_deg, elevation_deg))


def test_every_sum_is_the_one_counted_by_hand() -> None:
    detected = [
        seen_as("aircraft", 10, 45),
        seen_as("unknown", 60, 25),
        seen_as("satellite", 210, 40),  # silent
        seen_as("meteor", 260, 50),  # the satellite
        seen_as("satellite", 300, 50),  # the invisible one
        seen_as("aircraft", 30, 70),  # nothing is there
        seen_as("aircraft", 160, 5),  # below the mask
    ]
    one = Study("hand")
    one.add(by_hand(), detected)
    assert one.share(MASK_DEG, 90.0) == (2, 3)
    assert one.share(ABOVE_DEG, 90.0) == (2, 2)
    assert one.share(MASK_DEG, ABOVE_DEG) == (0, 1)
    assert one.share(30.0, 90.0) == (1, 1)
    assert one.missed == 1
    assert dict(one.detections) == {"adsb": 2, "other real": 3, "false": 1}
    assert one.false_share == pytest.approx(1 / 6)
    assert [one.share(1.0, 2.0, STEADY), one.share(3.0, 20.0, STEADY)] == [(0, 1), (2, 2)]
    assert [one.share(3.0, 5.0, PEAK), one.share(20.0, 99.0, PEAK)] == [(0, 1), (1, 1)]
    counted = {pair: n for pair, n in one.confusion.items() if n}
    assert counted == {
        ("aircraft", "aircraft"): 1, ("aircraft", "unknown"): 1, ("aircraft", "satellite"): 1,
        ("satellite", "meteor"): 1, ("meteor", "missed"): 1, ("nothing", "aircraft"): 1,
    }  # fmt: skip


def test_a_trail_found_in_two_halves_is_found_once_and_named_by_the_longer() -> None:
    whole = line(10, 45)
    cut = whole[0] + 0.42 * (whole[1] - whole[0])
    halves = [Trail("satellite", 0.9, np.array([whole[0], cut])), Trail("aircraft", 0.9, np.array([cut, whole[1]]))]
    verdict = judge(by_hand(), halves)
    assert verdict.named[0] == "aircraft"
    assert verdict.kinds == ("adsb", "adsb")


def test_two_networks_are_judged_on_the_very_same_frames() -> None:
    frames = [by_hand(), by_hand()]
    asked: dict[str, list[Frame]] = {"good": [], "blind": []}

    def good(frame: Frame) -> list[Trail]:
        asked["good"].append(frame)
        return [seen_as("aircraft", 10, 45), seen_as("aircraft", 60, 25)]

    def blind(frame: Frame) -> list[Trail]:
        asked["blind"].append(frame)
        return []

    told = []
    sums = study(iter(frames), {"good": good, "blind": blind}, lambda seen, verdicts: told.append((seen, verdicts)))
    assert all(a is b is f.frame for a, b, f in zip(asked["good"], asked["blind"], frames, strict=True))
    assert [(one.title, one.frames, one.missed) for one in sums] == [("good", 2, 2), ("blind", 2, 6)]
    assert [seen for seen, _ in told] == frames
    assert told[0][1]["blind"].named == ("missed",) * 8
    headline, *rest = grids(sums)
    missed = next(row for row in headline.rows if "missed" in row[0])
    assert missed[1:3] == ["2, 0.33 of blind's", "6"]
    assert "66.7 % [30.0, 90.3] (4 of 6)" in headline.text()
    assert [grid.title.split(":")[0] for grid in rest[-2:]] == ["good", "blind"]


def test_a_value_on_an_edge_belongs_above_it_and_one_outside_to_the_nearest_group() -> None:
    seen = by_hand()
    values = (0.0, 5.0, 1e9)
    truth = tuple(replace(t, line_snr=v) for t, v in zip(seen.truth[:3], values, strict=True))
    frame = replace(seen, truth=truth, elevation_deg=(10.0, 20.0, 90.0), counted=(True, True, True))
    one = Study("edges")
    one.add(frame, [])
    assert {k[1] for k in one.traces if k[0] == STEADY} == {0.0, 5.0, 20.0}
    assert {k[1] for k in one.traces if k[0] == ELEVATION} == {10.0, 20.0, 30.0}


@pytest.fixture(scope="module")
def seen() -> StudyFrame:
    return next(iter(study_frames([5], exposure_s=10.0, frames=1)))


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
    one = Study("all")
    one.add(seen, [Trail("aircraft", 0.9, trail.polyline_px) for trail in seen.truth])
    found, of = one.share(MASK_DEG, 90.0)
    assert found == of == sum(seen.counted) > 0
    assert one.false_share == 0.0
    assert one.detections["adsb"] >= of


def test_a_stack_has_the_same_aircraft_and_brighter_lamps_more_light(seen: StudyFrame) -> None:
    (stacked,) = study_frames([5], exposure_s=5.0, exposures=2, brightness=3 * AS_PUBLISHED, frames=1)
    assert stacked.frame.exposure_s == pytest.approx(10.0)
    assert [trail.id for trail in stacked.truth] == [trail.id for trail in seen.truth]
    assert stacked.counted == seen.counted
    pairs = [(a, b) for a, b, heard in zip(stacked.truth, seen.truth, seen.counted, strict=True) if heard]
    assert all(a.line_snr == pytest.approx(3.0 * b.line_snr, rel=0.02) for a, b in pairs)
    assert all(np.abs(a.polyline_px.mean(axis=0) - b.polyline_px.mean(axis=0)).max() < 1.0 for a, b in pairs)
