"""The simulated library in the vendor's place, and a camera over it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from camera.asi import AsiCamera
from camera.sim.sdk import SimulatedSdk
from edge.runtime.clock import SkyClock
from tests.camera.zwo.noisy import EPOCH_UTC_NS, Install, NoiseScene, settings


@pytest.fixture
def install() -> Iterator[Install]:
    sdks: list[SimulatedSdk] = []

    def make(scene: NoiseScene | None = None, rate: float = 1.0, **options: Any) -> SimulatedSdk:
        clock = SkyClock(EPOCH_UTC_NS, time.monotonic(), rate)
        sdk = SimulatedSdk(scene or NoiseScene(), clock, **({"sensor_px": (160, 120)} | options))
        sdk.install()
        sdks.append(sdk)
        return sdk

    yield make
    for sdk in sdks:
        sdk.uninstall()


@pytest.fixture
def camera() -> Iterator[AsiCamera]:
    camera = AsiCamera(settings())
    yield camera
    camera.close()
