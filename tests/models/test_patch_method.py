"""The published method finds what its mask says, where it says it; its files compute its network."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from camera.device import Frame
from models.patch_method import PatchDetector, from_patches, to_patches


def frame(pixels: np.ndarray, mosaic: str) -> Frame:
    return Frame(
        seq=0, start_utc_ns=0, end_mono_s=0.0, exposure_s=2.0, gain_setting=0, gain_e_per_adu=1.0, origin_px=(0, 0),
        mosaic=mosaic, white_adu=65535, sensor_celsius=0.0, cooler_percent=0.0, pixels=pixels,
    )  # fmt: skip


@given(st.integers(1, 90), st.integers(1, 90), st.sampled_from([16, 32]))
def test_patches_put_together_again_are_the_picture(height: int, width: int, size: int):
    picture = np.random.default_rng(1).integers(0, 256, (height, width, 3)).astype(np.uint8)
    patches = to_patches(picture, size)
    assert patches.shape == (-(-height // size) * -(-width // size), 3, size, size)
    assert np.allclose(from_patches(patches[:, 1], picture.shape[:2]) * 255, picture[..., 1])


def test_a_whole_frame_is_a_hundred_patches():
    assert len(to_patches(np.zeros((2560, 2560, 3), np.uint8), 256)) == 100


@pytest.mark.parametrize("mosaic", ["RGGB", "mono", "rgb"])
@pytest.mark.parametrize("view", ["classical", "enhanced"])
def test_a_bright_line_across_patches_is_one_trail_in_stored_pixels(mosaic: str, view: str):
    sky = np.random.default_rng(2).normal(1000, 30, (600, 500))
    for x in range(60, 440):
        sky[200 + x // 4 : 205 + x // 4, x] = 30_000
    pixels = sky.astype(np.uint16)
    brightest = PatchDetector(lambda p: p.mean(axis=1), view=view, mask_threshold=0.6, batch=4)
    found = brightest.detect(frame(np.dstack([pixels] * 3) if mosaic == "rgb" else pixels, mosaic))
    (trail,) = found.trails
    ends = trail.polyline_px[np.argsort(trail.polyline_px[:, 0])]
    assert ends == pytest.approx(np.array([[60, 217], [440, 312]]), abs=6)
    assert 0.6 < trail.score <= 1
    assert found.timings.network_ms > 0
    brightest.threshold = 1.1
    assert brightest.detect(frame(np.dstack([pixels] * 3) if mosaic == "rgb" else pixels, mosaic)).trails == []


def test_specks_are_no_trails_and_no_number_is_no_empty_sky():
    quiet = frame(np.full((300, 300), 1000, np.uint16), "mono")
    speck = np.zeros((1, 256, 256), np.float32)
    speck[0, 10:13, 10:13] = 1
    assert PatchDetector(lambda p: np.repeat(speck, len(p), 0)).detect(quiet).trails == []
    with pytest.raises(FloatingPointError):
        PatchDetector(lambda p: np.full((len(p), 256, 256), np.nan, np.float32)).detect(quiet)


def test_the_exported_files_compute_the_network(tmp_path: Path):
    torch = pytest.importorskip("torch")
    from models.networks.encoders import PlainEncoder
    from models.networks.unet import UNet
    from models.patch_export import OnnxPatches, export_patches, quantise_patches, torch_patches

    torch.manual_seed(1)
    net = UNet(PlainEncoder(3, (8, 16, 32), normalise=True), (16, 8), head=1).eval()
    patches = np.random.default_rng(1).random((2, 3, 64, 64), np.float32)
    exact = export_patches(net, tmp_path / "net.onnx", size=64)
    wanted = torch_patches(net)(patches)
    assert np.abs(OnnxPatches(exact)(patches) - wanted).max() < 1e-4
    eight = OnnxPatches(quantise_patches(exact, tmp_path / "net.int8.onnx", [patches]))(patches)
    assert np.abs(eight - wanted).mean() < 0.05
    assert np.corrcoef(eight.ravel(), wanted.ravel())[0, 1] > 0.99
