"""Every benchmark after the other, each in a process of its own: `make bench`, or `python -m tests.bench [NAME...]`."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import tests.bench
from tests.bench.tables import machine

# memory takes half an hour; of networks: `make bench-models`, which needs PyTorch
NOT_HERE = (
    "__main__", "tables", "adsb_channel", "adsb_score", "plate_real", "models", "models_accuracy", "variants", "memory",
)  # fmt: skip
LAST = "end_to_end"


def main() -> int:
    names = [module.name for module in pkgutil.iter_modules(tests.bench.__path__) if module.name not in NOT_HERE]
    failed = []
    for name in sys.argv[1:] or sorted(names, key=lambda name: (name == LAST, name)):
        print(f"\n== {name}   ({machine()})", flush=True)
        if subprocess.run([sys.executable, "-m", f"tests.bench.{name}"]).returncode:
            failed.append(name)
    if failed:
        print(f"\nfailed: {', '.join(failed)}", file=sys.stderr)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
