"""Who may import what: each heavy library has one home, and the box imports without any device library or torch."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HOMES = {
    "zwoasi": {"camera/zwo/library.py"},
    "sep": {"camera/background.py"},
    "rtlsdr": {"edge/adsb/sources/rtl.py", "edge/adsb/sim/librtlsdr.py"},
    "pyModeS": {"edge/adsb/decode.py"},
    "paho": {"edge/publish/mqtt.py"},
    "onnxruntime": {"models/engine_onnx.py", "models/quantize.py", "models/patch_export.py"},  # running; making
    "tensorrt": {"models/engine_tensorrt.py"},
    "pycuda": {"models/engine_tensorrt.py"},
    "openvino": {"models/engine_openvino.py"},
    "matplotlib": {"models/plots.py"},
    "amqtt": {"edge/demo/broker.py"},
    "pyarrow": {"edge/adsb/archive/parquet.py"},
    "astropy": {"camera/frames/masters.py", "camera/formats/fits.py", "camera/store/fitsfile.py"},
    "av": {"camera/store/movie.py"},
}


def sources() -> Iterator[tuple[str, Path]]:
    for part in ("edge", "camera", "models", "scripts"):
        for path in sorted((ROOT / part).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), path


def imported(path: Path) -> Iterator[str]:
    """Dotted names of everything a file imports, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_each_heavy_library_is_imported_only_in_its_home() -> None:
    strays = [
        f"{name} imports {module}"
        for name, path in sources()
        for module in imported(path)
        if (home := HOMES.get(module.split(".")[0])) is not None and name not in home
    ]
    assert not strays


def test_of_astropy_only_fits_and_torch_only_in_models() -> None:
    for name, path in sources():
        for module in imported(path):
            assert not module.startswith("astropy") or module.startswith("astropy.io.fits"), name
            assert not module.startswith("torch") or name.startswith("models/"), name


def test_edge_and_camera_import_where_no_device_library_is() -> None:
    script = """
import importlib, pkgutil, sys
BLOCKED = {"zwoasi", "rtlsdr", "pycuda", "tensorrt", "torch"}
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in BLOCKED:
            raise ImportError(f"{name} is blocked")
sys.meta_path.insert(0, Block())
for part in ("camera", "edge"):
    package = importlib.import_module(part)
    for found in pkgutil.walk_packages(package.__path__, part + "."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)
print(len(sys.modules))
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("part", ["edge", "camera", "models", "scripts"])
def test_the_map_of_each_folder_names_every_file(part: str) -> None:
    missing = []
    for folder in [ROOT / part, *(path for path in (ROOT / part).rglob("*") if path.is_dir())]:
        files = [path.stem for path in folder.glob("*.py") if path.stem not in ("__init__", "__main__")]
        if not files:
            continue
        docstring = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))) or ""
        missing += [f"{folder.relative_to(ROOT)}/{name}.py" for name in files if name not in docstring]
    assert not missing
