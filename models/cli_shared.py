"""What every `skyspotter models` command shares: the two consoles, a bar on stderr, refusals in one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from models.contract import ModelRefused
from models.zoo import zoo_path

SHIPPED = zoo_path()
out, err = Console(), Console(stderr=True)

DataOption = Annotated[Path, typer.Option(envvar="SKYSPOTTER_DATA", help="Folder with streaks512/ and sky/.")]
ThresholdOption = Annotated[float, typer.Option(min=0.05, max=0.95, help="Least score of a trail.")]
OwnOption = Annotated[
    list[Path] | None, typer.Option(metavar="DIR", help="A station's own nights, by `skyspotter labels`; repeatable.")
]
ThreadsOption = Annotated[int, typer.Option(min=1, max=64)]


@contextmanager
def refusing(*also: type[Exception]) -> Iterator[None]:
    """What cannot be used is one sentence and exit 2; `also` what a library says of its own files."""
    try:
        yield
    except ModuleNotFoundError as why:
        err.print(f"{why}: install what training needs, pip install '.[train]'", highlight=False, markup=False)
        raise typer.Exit(2) from why
    except OSError as why:
        text = f"{why.filename}: {why.strerror}; give another path" if why.filename and why.strerror else str(why)
        err.print(text, highlight=False, markup=False, soft_wrap=True)
        raise typer.Exit(2) from why
    except (ModelRefused, ValueError, FloatingPointError, *also) as why:
        err.print(" ".join(str(why).split()), highlight=False, markup=False, soft_wrap=True)
        raise typer.Exit(2) from why


def usable_folder(path: Path | None) -> None:
    """Said first of all, not after an hour: ValueError for a file where a folder of results is to be."""
    if path is not None and path.exists() and not path.is_dir():
        raise ValueError(f"{path}: is a file; give the name of a folder")


def progress(shown: bool = True) -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    return Progress(*columns, console=err, disable=not shown)
