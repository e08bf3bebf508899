"""What keeping frames costs, on a rendered frame of the whole lens: `python -m tests.bench.store`.

Bars: under one core-second per frame; the camera's thread is never kept waiting.
"""

from __future__ import annotations

import io
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

from camera.device import Frame
from camera.files import read_frame
from camera.plate import Plate
from camera.sim.renderer import Renderer, simulated_plate
from camera.sim.scenario import night
from camera.store.album import jpeg, preview_of, with_words
from camera.store.disk import Quotas
from camera.store.fitsfile import TILE_ROWS, encode
from camera.store.header import Origin
from camera.store.keogram import RECORD, ROWS, keogram, line_of, record_of
from camera.store.movie import Movie
from camera.store.recorder import FrameRecorder, RecorderSettings
from camera.store.shelf import Shelf

FILES = 100_000
REPEATS = 5


def rendered() -> tuple[Frame, Plate]:
    scenario = night(1)
    plate = simulated_plate(scenario)
    (width, height), origin = plate.region.size_px, plate.region.origin_px
    renderer = Renderer(scenario, plate, width_px=width, height_px=height, origin_px=origin, gain_setting=120)
    start = scenario.utc_ns(20.0)
    pixels = renderer.render(start, 2.0)
    frame = Frame(
        seq=1, start_utc_ns=start, end_mono_s=0.0, exposure_s=2.0, gain_setting=120, gain_e_per_adu=0.25,
        origin_px=origin, mosaic="RGGB", white_adu=65532, sensor_celsius=-5.0, cooler_percent=40.0, pixels=pixels,
        camera_serial=plate.camera_serial,
    )  # fmt: skip
    return frame, plate


def core_s(work: Callable[[], Any]) -> float:
    spent = []
    for _ in range(REPEATS):
        begun = time.thread_time()
        work()
        spent.append(time.thread_time() - begun)
    return statistics.median(spent)


def compression(frame: Frame, plate: Plate) -> None:
    print(f"{frame.width} x {frame.height}, with checksums      core-s to write   MB   times smaller")
    pixels = frame.pixels

    def written(data: Any, kind: str) -> bytes:
        out = io.BytesIO()
        unit = fits.CompImageHDU(data, compression_type=kind, tile_shape=(TILE_ROWS, frame.width))
        fits.HDUList([fits.PrimaryHDU(), unit]).writeto(out, checksum=True)
        return out.getvalue()

    def row(name: str, make: Callable[[], bytes]) -> None:
        size = len(make())
        print(f"  {name:38} {core_s(make):6.3f}      {size / 1e6:6.2f}   {pixels.nbytes / size:5.2f}")

    for kind in ("RICE_1", "HCOMPRESS_1", "GZIP_2"):
        row(f"{kind}, as it is", lambda kind=kind: written(pixels, kind))
    row("RICE_1, without the two empty bits", lambda: written((pixels >> 2).astype(np.int16), "RICE_1"))
    row("as recorded, header and plate too", lambda: encode(frame, Origin(plate=plate)))


def recording(frame: Frame, folder: Path) -> None:
    """The camera's side: how long `offer` takes, and how late a thread that sleeps a millisecond wakes meanwhile."""
    late_ms: list[float] = []
    stop = threading.Event()

    def sleeper() -> None:
        while not stop.is_set():
            begun = time.monotonic()
            time.sleep(0.001)
            late_ms.append(1e3 * (time.monotonic() - begun) - 1.0)

    recorder = FrameRecorder(RecorderSettings(folder, Quotas(), preview_every_s=10.0))
    watch = threading.Thread(target=sleeper)
    watch.start()
    offered_ms, begun = [], time.process_time()
    for seq in range(12):
        before = time.monotonic()
        recorder.offer(replace(frame, seq=seq, start_utc_ns=frame.start_utc_ns + seq * 2 * 10**9, end_mono_s=2.0 * seq))
        offered_ms.append(1e3 * (time.monotonic() - before))
        time.sleep(0.5)
    recorder.close(20.0)
    stop.set()
    watch.join()
    per_frame_s = (time.process_time() - begun) / 12
    counted = recorder.counters()
    print(
        f"recorded {counted['recorded']} of 12 and {counted['previews']} previews, {per_frame_s:.3f} core-s per frame"
    )
    print(f"  offer: median {statistics.median(offered_ms):.1f} ms, worst {max(offered_ms):.1f} ms")
    print(
        f"  another thread woke late by at most {max(late_ms):.1f} ms, 99 % within {np.quantile(late_ms, 0.99):.1f} ms"
    )


def pictures(frame: Frame, plate: Plate, folder: Path) -> None:
    line = line_of(frame, plate)
    preview = preview_of(frame)
    print("pictures, core-ms")
    preview_s = core_s(lambda: jpeg(with_words(preview_of(frame), ("", ""))))
    print(f"  preview with its words, as JPEG   {1e3 * preview_s:8.1f}")
    print(f"  a column of the keogram           {1e3 * core_s(lambda: record_of(frame, line)):8.1f}")
    records = np.zeros(18_000, RECORD)
    records["utc_ns"], records["exposure_s"], records["e_per_adu"] = np.arange(18_000) * 2 * 10**9, 2.0, 0.25
    records["rgb"] = np.random.default_rng(1).integers(2000, 3000, (18_000, ROWS, 3))
    print(f"  keogram of ten hours              {1e3 * core_s(lambda: keogram(records)):8.1f}")
    noisy = [np.roll(preview, 3 * k, axis=0) for k in range(50)]
    begun = time.process_time()
    with Movie(folder / "t.mp4") as movie:
        for picture in noisy:
            movie.add(picture)
    spent_ms = 1e3 * (time.process_time() - begun) / 50
    print(f"  time-lapse, per picture           {spent_ms:8.1f}   {(folder / 't.mp4').stat().st_size / 50e3:.0f} kB")


def reading(frame: Frame, folder: Path) -> None:
    path = folder / "one.fits.fz"
    path.write_bytes(encode(frame, Origin()))
    print(f"read back: {core_s(lambda: read_frame(path)):.3f} core-s")


def inventory(folder: Path) -> None:
    for number in range(FILES):
        night_folder = folder / f"2026-06-{number // 20_000 + 10}"
        if number % 20_000 == 0:
            night_folder.mkdir(parents=True)
        (night_folder / f"20260610T{number:09d}Z.fits.fz").write_bytes(b"x")
    shelf = Shelf(folder, FILES)
    begun = time.monotonic()
    shelf.take_stock()
    print(f"stock of {len(shelf)} files taken in {time.monotonic() - begun:.2f} s (their folders in memory)")
    begun = time.monotonic()
    shelf.make_room(1000)
    print(f"  1000 of them expired in {1e3 * (time.monotonic() - begun):.0f} ms")


def main() -> None:
    frame, plate = rendered()
    compression(frame, plate)
    with tempfile.TemporaryDirectory() as folder:
        reading(frame, Path(folder))
        recording(frame, Path(folder) / "record")
        pictures(frame, plate, Path(folder))
        inventory(Path(folder) / "many")


if __name__ == "__main__":
    main()
