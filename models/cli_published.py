"""`skyspotter models import | nights | presets | fit | sweep`: labels of others, published recipes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from models.cli_measure import RECORDED
from models.cli_shared import ThreadsOption, out, progress, refusing, usable_folder

if TYPE_CHECKING:
    from models.importers.patches import Patch
    from models.patch_runs import Epoch
    from models.preset import Preset


DatasetArgument = Annotated[Path, typer.Option("--dataset", help="A folder that `import` wrote.")]
PresetArgument = Annotated[str, typer.Argument(help="A shipped recipe (see `presets`) or a .toml file.")]
DeviceOption = Annotated[str, typer.Option(help="auto, cpu or cuda; several GPUs by torchrun.")]


class Format(StrEnum):
    via = "via"
    labelme = "labelme"
    masks = "masks"


def register(app: typer.Typer) -> None:
    app.command("import")(import_labels)
    for command in (nights, presets, fit, sweep):
        app.command()(command)


def import_labels(
    source: Annotated[Path, typer.Argument(help="VIA's .csv or .json; a folder of LabelMe JSON, or of pictures.")],
    into: Annotated[Path, typer.Option("--out", help="Folder for the patches and card.md.")],
    kind: Annotated[Format, typer.Option("--format")] = Format.labelme,
    classes: Annotated[
        list[str] | None, typer.Option("--class", help="Once per class, without the background.")
    ] = None,
    class_key: Annotated[str | None, typer.Option(help="VIA's region attribute that holds the class.")] = None,
    masks: Annotated[
        Path | None, typer.Option(help="Folder of mask pictures; beside NAME as NAME_mask if not given.")
    ] = None,
    colour: Annotated[list[str] | None, typer.Option(help="#RRGGBB=class, once per colour of the masks.")] = None,
    preset: Annotated[str | None, typer.Option(help="Take view, split, shares and size from this recipe.")] = None,
    view: Annotated[str | None, typer.Option(help="classical, enhanced or stored.")] = None,
    split: Annotated[str | None, typer.Option(help="source or night.")] = None,
    size: Annotated[int | None, typer.Option(min=16)] = None,
    keep_for_evaluate: Annotated[
        bool, typer.Option(help="Leave out the photographs that `evaluate` scores: sources 0, 3, 6, ...")
    ] = False,
    seed: int = 0,
) -> None:
    """Pictures that others labelled become patches, split by night or source photograph, with a card that counts."""
    from models.dataset import held_out
    from models.importers.labelme import read_labelme
    from models.importers.masks import parse_colours, read_pairs
    from models.importers.patches import assemble, group_of
    from models.importers.via import read_via
    from models.preset import DataRecipe, load_preset

    with refusing():
        usable_folder(into)
        recipe = load_preset(preset) if preset else None
        given = (recipe.data if recipe else DataRecipe()).model_dump() | {
            key: value for key, value in (("view", view), ("split", split)) if value is not None
        }
        data = DataRecipe.model_validate(given)
        names = ("background", *(classes or ["aircraft"]))
        pairs = [text.partition("=")[::2] for text in colour or []]
        colours = parse_colours(dict(pairs), {name: k for k, name in enumerate(names)})
        if kind is Format.via:
            found = read_via(source, class_key=class_key, default=names[1])
        else:
            found = read_labelme(source) if kind is Format.labelme else read_pairs(source, masks or source)
        if keep_for_evaluate:
            scored = lambda source: source.isdigit() and held_out(source)  # noqa: E731
            found.images = [i for i in found.images if not scored(group_of(i.file, 0, "source"))]
        dataset = assemble(
            found, names, view=data.view, split=data.split, size=size or (recipe.size if recipe else 256),
            colours=colours, empty_share=data.empty_share, shares=data.shares, seed=seed,
        )  # fmt: skip
        if not any(dataset.parts.values()):
            reasons = "; ".join(f"{fault.file}: {fault.why}" for fault in dataset.faults[:3]) or "no pictures there"
            raise ValueError(f"{source}: nothing to train on ({reasons})")
        dataset.save(into)
    out.print(dataset.card(), markup=False, highlight=False)


def nights(
    into: Annotated[Path, typer.Option("--out", help="Folder for the patches and card.md.")],
    count: Annotated[
        int, typer.Option(min=2, help="Crowded simulated nights, the first of them those of `train`.")
    ] = 16,
    frames: Annotated[int, typer.Option(min=1, help="Of each night.")] = 4,
    exposure: Annotated[float, typer.Option(min=0.1, max=30.0, help="Seconds.")] = 2.0,
    preset: Annotated[str, typer.Option(help="View, shares and size from this recipe.")] = "yebes",
) -> None:
    """Rendered nights as patches: what the field network learns from, for a published one."""
    from models.importers.nights import from_nights

    with refusing():
        usable_folder(into)
        recipe = _recipe(preset)
        data = from_nights(
            range(101, 101 + count), frames=frames, view=recipe.data.view, size=recipe.size, exposure_s=exposure,
            empty_share=recipe.data.empty_share, shares=recipe.data.shares,
        )  # fmt: skip
        data.save(into)
    out.print(data.card(), markup=False, highlight=False)


def presets() -> None:
    """The recipes that ship."""
    from models.preset import load_preset, shipped

    for name in shipped():
        p = load_preset(name)
        out.print(f"{name:16} {p.network}, {p.loss}, {p.size} px, batch {p.batch}, rate {p.learning_rate:g}, "
                  f"{p.epochs} epochs", markup=False, highlight=False, soft_wrap=True)  # fmt: skip


def fit(
    preset: PresetArgument,
    dataset: DatasetArgument,
    run: Annotated[Path, typer.Option(help="Folder of this run. A killed run goes on from here.")],
    network: Annotated[str | None, typer.Option(help="Another network than the recipe's.")] = None,
    loss: Annotated[str | None, typer.Option(help="Another loss, as in 'jaccard + focal(gamma=2)'.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1)] = None,
    steps_per_epoch: Annotated[int | None, typer.Option(min=0)] = None,
    batch: Annotated[int | None, typer.Option(min=1)] = None,
    learning_rate: Annotated[float | None, typer.Option(min=0.0)] = None,
    half_precision: Annotated[bool | None, typer.Option(help="float16 on a GPU, bfloat16 on a processor.")] = None,
    seed: int | None = None,
    device: DeviceOption = "auto",
    threads: ThreadsOption = 2,
) -> None:
    """Train a published network by its recipe; on N GPUs `torchrun --nproc-per-node=N -- BIN/skyspotter models fit`."""
    import torch

    from models.ranks import ranks
    from models.train_patches import fit as fit_net

    with refusing(), ranks(device) as here:
        torch.set_num_threads(threads)
        chosen = _recipe(preset).changed(
            network=network, loss=loss, epochs=epochs, steps_per_epoch=steps_per_epoch, batch=batch,
            learning_rate=learning_rate, half_precision=half_precision, seed=seed,
        )  # fmt: skip
        train, validation = _parts(dataset)
        with progress(here.first) as bar, _board(run, here.first) as board:
            task = bar.add_task("training", total=None)

            def tell(step: int, steps: int, last: Epoch | None) -> None:
                text = f"epoch {last.epoch} loss {last.loss:.3f} IoU {last.iou:.3f}" if last else "first epoch"
                bar.update(task, completed=step, total=steps, description=text)

            history = fit_net(chosen, train, validation, run, here=here, report=tell, board=board)
        if here.first:
            (run / RECORDED).write_text(f"{dataset.resolve()}\n")
            best = max(history, key=lambda e: e.iou)
            out.print(f"{run}: {len(history)} epochs, best IoU {best.iou:.3f} in epoch {best.epoch}; "
                      f"next: skyspotter models report {run}", soft_wrap=True)  # fmt: skip


def sweep(
    preset: PresetArgument,
    dataset: DatasetArgument,
    into: Annotated[Path, typer.Option("--out", help="Folder for sweep.png, sweep.json and the runs.")],
    rate: Annotated[
        list[float] | None, typer.Option(help="Once per learning rate; 1e-5, 1e-4, 1e-3 if not given.")
    ] = None,
    batch: Annotated[list[int] | None, typer.Option(help="Once per batch size; 16, 32, 64 if not given.")] = None,
    network: str | None = None,
    epochs: Annotated[int | None, typer.Option(min=1)] = None,
    steps_per_epoch: Annotated[int | None, typer.Option(min=0)] = None,
    device: DeviceOption = "auto",
    threads: ThreadsOption = 2,
) -> None:
    """Learning rate x batch, every pair trained, as one picture."""
    import torch

    from models.ranks import ranks
    from models.sweep import BATCHES, RATES
    from models.sweep import sweep as sweep_all

    with refusing(), ranks(device) as here:
        torch.set_num_threads(threads)
        chosen = _recipe(preset).changed(network=network, epochs=epochs, steps_per_epoch=steps_per_epoch)
        tell = lambda name, history: out.print(f"{name}: best IoU {max(e.iou for e in history):.3f}")  # noqa: E731
        picture = sweep_all(
            chosen, *_parts(dataset), into, here=here, rates=rate or RATES, batches=batch or BATCHES, report=tell
        )
    out.print(f"{picture} written")


def _recipe(name: str) -> Preset:
    from models.preset import load_preset

    return load_preset(name)


def _parts(dataset: Path) -> tuple[list[Patch], list[Patch]]:
    from models.importers.patches import load_part

    return load_part(dataset, "train")[0], load_part(dataset, "validation")[0]


@contextmanager
def _board(run: Path, wanted: bool) -> Iterator[Callable[[Any], None]]:
    """Epochs to TensorBoard, where it is installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        wanted = False
    if not wanted:
        yield lambda _: None
        return
    from dataclasses import asdict

    with SummaryWriter(run / "tensorboard") as writer:

        def add(epoch: Epoch) -> None:
            for name, value in asdict(epoch).items():
                writer.add_scalar(name, value, epoch.epoch)
            writer.flush()

        yield add
