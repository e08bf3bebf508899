"""Where the pictures of a training come from: prepared once, kept beside the checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from models.cache import kept
from models.dataset import Picture, Sources, prepare_photographs, prepare_skies
from models.inject import injected
from models.rendered import prepare_nights

FIRST_NIGHT = 101  # seeds below are measured on
INJECTIONS = 5  # of simulated traffic into every real sky


def gather(data: Path, cache: Path, *, nights: int) -> Sources:
    """Photographs and real skies of the folder `data`, simulated traffic on those skies, and `nights` rendered ones.

    Raises ValueError naming a label file that is none.
    """
    skies = prepare_skies(data / "sky" / "labels.json", cache)
    return Sources(
        prepare_photographs(data / "streaks512", cache),
        [*skies, *prepare_injected(skies, cache)],
        prepare_nights(range(FIRST_NIGHT, FIRST_NIGHT + nights), cache),
    )


def prepare_injected(skies: Sequence[Picture], cache: Path) -> list[Picture]:
    """Every sky with the traffic of INJECTIONS nights, each its own."""
    pictures = []
    for number, sky in enumerate(skies):
        for turn in range(INJECTIONS):
            seed = FIRST_NIGHT + len(skies) * turn + number
            made = partial(injected, sky.planes_sigma, sky.group, seed)
            pictures.append(Picture(*kept(cache / f"injected-{sky.group}-{seed}.npz", made), sky.group))
    return pictures
