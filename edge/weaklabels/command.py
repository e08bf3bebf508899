"""`skyspotter labels`: the recorded frames and aircraft of one night into a folder of pictures with weak labels."""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.progress import track

from camera.device import FileUnreadable, Frame, PlateRefused
from camera.files import list_frames, read_frame
from camera.mask import load_mask
from camera.plate import Plate
from camera.store.evidence import stamped_utc_ns
from camera.store.fitsfile import plate_in
from camera.store.night import night_name
from camera.whole import second_name, write_whole
from edge.adsb.archive.rows import Archive
from edge.vision.sight import Judged, Sight
from edge.weaklabels.card import Card
from edge.weaklabels.heard import Heard
from edge.weaklabels.labelme import label_file
from edge.weaklabels.project import VOUCHED_S, Way, instants, ways
from edge.weaklabels.sort import sort, unfit
from models.detect import Detector
from models.engines import load_engine

log = logging.getLogger(__name__)

CARD = "card.md"
NETWORK_THRESHOLD = 0.2  # low: whatever may be light of somebody unannounced


class LabelsRefused(Exception):
    """No labels; why, and what to do."""


class Labeller:
    """Frames in order of time, one after the other, into the folder `into`, which will be a night's in `out`."""

    def __init__(
        self, heard: Heard, detector: Detector, into: Path, out: Path, *, lowest_deg: float, mask: Path | None
    ) -> None:
        self.card = Card()
        self._heard, self._detector, self._into, self._out = heard, detector, into, out
        self._lowest_deg, self._mask = lowest_deg, mask
        self._sight: tuple[Plate, Sight] | None = None

    def take(self, path: Path) -> None:
        """Counts what cannot be labelled. Raises OSError for the folder, PlateRefused for the mask."""
        reason = self._label(path)
        if reason:
            self.card.left_out[reason] += 1

    def _label(self, path: Path) -> str:
        """Why there is no label; "" when there is."""
        try:
            frame = read_frame(path)
            plate = plate_in(path, frame)
        except (FileUnreadable, PlateRefused) as err:
            self.card.unreadable.append(str(err))
            return "it cannot be read"
        if plate is None:
            return "it carries no plate"
        if frame.start_utc_ns <= 0 or frame.exposure_s <= 0:
            return "it does not say when it was taken, or for how long"
        night = night_name(frame.start_utc_ns, plate.site)
        if night != (self.card.night or night):
            return "it is of another night"
        end_utc_ns = frame.start_utc_ns + round(frame.exposure_s * 1e9)
        heard = self._heard.around(frame.start_utc_ns, end_utc_ns)
        found = ways(heard, plate.site, instants(frame.start_utc_ns, end_utc_ns))
        if not any(isinstance(one, Way) and one.away_s <= VOUCHED_S for one in found):  # an empty sky or a deaf ear
            return "nobody was heard"
        judged = self._judge(replace(frame, end_mono_s=end_utc_ns / 1e9), plate)  # the sky's clock, for the star watch
        if reason := unfit(judged):
            return reason
        if (self._into / path.name).exists():
            return "another frame has its name"
        result = sort(found, judged, plate, self._lowest_deg)
        if not self.card.night:
            _refuse_existing(self._out / night)
        second_name(path, self._into / path.name)
        write_whole(self._into / f"{_stem(path)}.json", label_file(path.name, frame, result.shapes), durable=False)
        self.card.night = night
        self.card.took(result)
        return ""

    def _judge(self, frame: Frame, plate: Plate) -> Judged:
        """As the station would; a night may refine the plate."""
        if self._sight is None or self._sight[0] != plate:
            mask = None if self._mask is None else load_mask(self._mask, plate)
            self._sight = (plate, Sight(self._detector, plate, lowest_deg=self._lowest_deg, mask=mask))
        return self._sight[1].judge(frame)


def labels(
    night: Path, out: Path, *, recordings: Path | None = None, every_s: float = 30.0, lowest_deg: float = 10.0,
    mask: Path | None = None, network: Path | None = None, threads: int = 2,
) -> int:  # fmt: skip
    """Exit code: 1 when no frame could be labelled. Raises LabelsRefused, PlateRefused, ModelRefused."""
    console = Console()
    files = list_frames([night]) if night.is_dir() else []
    if not files:
        raise LabelsRefused(f"{night}: no folder of frames; give one that the recorder made, like frames/2026-06-14")
    chosen = list(_every(files, every_s))
    try:
        archive = Archive(recordings or night.resolve().parent.parent)
    except FileNotFoundError as err:
        raise LabelsRefused(f"{err}, as --recordings") from err
    try:
        out.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".labels-", dir=out))
    except OSError as err:
        raise LabelsRefused(f"{out}: cannot be written ({err.strerror}); choose another --out") from err
    try:
        with load_engine("auto", network, threads=threads) as engine:
            heard = Heard(archive)
            labeller = Labeller(heard, Detector(engine, NETWORK_THRESHOLD), work, out, lowest_deg=lowest_deg, mask=mask)
            for file in track(chosen, description="labelling", console=Console(stderr=True)):
                labeller.take(file)
        card = labeller.card
        settings = (
            f"Of {len(files)} frames in {night}, one every {every_s:g} s: {len(chosen)}. Aircraft above "
            f"{lowest_deg:g} deg; network {engine.path.name}, sha256 {engine.sha256[:12]}, from score "
            f"{NETWORK_THRESHOLD:g}."
        )
        text = card.text(archive.damaged, heard.unusable, settings)
        console.print(text, markup=False, highlight=False, soft_wrap=True)
        if not card.frames:
            return 1
        write_whole(work / CARD, text.encode())
        _appear(work, out / card.night)
    except OSError as err:
        raise LabelsRefused(f"{out}: {err}") from err
    finally:
        shutil.rmtree(work, ignore_errors=True)
    console.print(f"{out / card.night}: written; next: skyspotter models train --own {out}", soft_wrap=True)
    return 0


def _refuse_existing(target: Path) -> None:
    """A night that is there already is not mixed with another run's."""
    if target.exists():
        raise LabelsRefused(f"{target}: is there already; remove it or choose another --out")


def _appear(work: Path, target: Path) -> None:
    """A night is there as a whole."""
    _refuse_existing(target)
    work.chmod(0o755)
    work.rename(target)


def _every(files: Iterable[Path], every_s: float) -> Iterable[Path]:
    """Of frames whose names tell their time, one in so many seconds."""
    last_utc_ns = 0
    for file in files:
        utc_ns = stamped_utc_ns(file.name)
        if utc_ns and abs(utc_ns - last_utc_ns) < every_s * 1e9:
            continue
        last_utc_ns = utc_ns or last_utc_ns
        yield file


def _stem(path: Path) -> str:
    return path.name.removesuffix(".fz").rpartition(".")[0] or path.name
