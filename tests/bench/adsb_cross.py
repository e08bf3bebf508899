"""The ear on a channel that others wrote, scored by their scorer: `python -m tests.bench.adsb_cross --tools FOLDER`.

Beside the project's own channel and scorer (`tests.bench.adsb`): who writes examiner and pupil may fool himself. FOLDER
holds adsb_channel.py and adsb_score.py, by default those beside $SKYSPOTTER_DATA.
"""

from __future__ import annotations

import argparse
import ast
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

from tests.bench.adsb import SCENARIOS, hear, peer_hears
from tests.bench.tables import machine

SECONDS = 10
WORDS = {"rec": "messages right", "df17": "DF17 right", "false": "false", "dup": "doubled"}


def tools_folder() -> Path:
    return Path(os.environ.get("SKYSPOTTER_DATA", "../shared/data")).resolve().parent / "tools"


def cross(tools: Path, aircraft: int, mode_ac_per_s: float, seeds: range) -> tuple[Counter[str], Counter[str]]:
    """Sums over the seeds, ours and the peer's: messages right, DF17 right, false, doubled, sent."""
    ours, peers = Counter[str](), Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        scene = Path(folder) / "scene"
        for seed in seeds:
            arguments = (str(scene), str(SECONDS), str(aircraft), str(mode_ac_per_s), str(seed))
            make = [sys.executable, tools / "adsb_channel.py", *arguments]
            subprocess.run(make, check=True, timeout=600, stdout=subprocess.DEVNULL)
            iq = np.fromfile(f"{scene}.2400.cu8", np.uint8)
            for total, frames in ((ours, [f.data for f in hear(iq)[0]]), (peers, peer_hears(iq)[0])):
                heard = scene.with_suffix(".hex")
                heard.write_text("".join(data.hex() + "\n" for data in frames))
                command = [sys.executable, tools / "adsb_score.py", scene, heard]
                done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=600)
                total.update({name: ast.literal_eval(done.stdout)[name] for name in (*WORDS, "tot")})
    return ours, peers


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tools", type=Path, default=tools_folder())
    parser.add_argument("--seeds", type=int, default=10)
    arguments = parser.parse_args()
    print(machine())
    for aircraft, (mode_ac_per_s, messages_bar, df17_bar) in SCENARIOS.items():
        ours, peers = cross(arguments.tools, aircraft, mode_ac_per_s, range(1, arguments.seeds + 1))
        bars = {"rec": f">= {messages_bar}", "df17": f">= {df17_bar}", "false": "<= 1"}
        print(f"{aircraft} aircraft, seeds 1-{arguments.seeds}, {ours['tot']} sent:     ours     peer   ratio")
        for name, words in WORDS.items():
            ratio = ours[name] / max(peers[name], 1)
            print(f"  {words:32} {ours[name]:8} {peers[name]:8} {ratio:7.3f}  {bars.get(name, '')}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
