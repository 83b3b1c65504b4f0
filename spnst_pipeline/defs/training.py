"""Training the painter of one style, and putting it into the store."""

import time
from statistics import mean

import torch

from spnst_core import __version__, samples
from spnst_core.errors import InputError
from spnst_core.imaging import io as image_io
from spnst_core.metrics.registry import measure
from spnst_core.optim.divergence import Diverged
from spnst_core.painters.course import course, resume, split, to_checkpoint, warning_of_few
from spnst_core.painters.painter import Painter, style_digest
from spnst_core.painters.sheet import validation_sheet
from spnst_core.painters.training import Plan, Training, reduced
from spnst_core.painting import style_targets
from spnst_core.recipes.recipe import Recipe
from spnst_core.stylize import stylize
from spnst_pipeline.artefacts.fingerprints import HEAD, metadata
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.artefacts.lineage import Lineage
from spnst_pipeline.artefacts.reuse import keep_or_copy
from spnst_pipeline.artefacts.rules import Artefact
from spnst_pipeline.artefacts.soundness import put, take
from spnst_pipeline.defs import checks
from spnst_pipeline.defs.events import Made
from spnst_pipeline.defs.previews import preview, stored_picture
from spnst_pipeline.progress import Listener
from spnst_pipeline.project import Project
from spnst_pipeline.wording import duration

COMPARED = 2
"""How many held-out contents the optimiser paints as well, to compare a painter with it."""


def train(lineage: Lineage, listener: Listener, recipe: Recipe, style: str, *, force: bool = False) -> Made:
    """Bring the painter of a style up to date in the store; ``force``: train it even if it is.

    A training that is stopped goes on in the next run, from a checkpoint with Dagster's records.

    Raises:
        NotMade: the style isn't in the store.
        InputError: the style is a blend, or can't be read.
        CheckFailed: nothing was written, because the training diverged.
    """
    project = lineage.project
    wanted = lineage.painter(recipe, style)
    if not keep_or_copy(lineage, wanted, force=force):
        if project.styles.parts(style):
            raise InputError(f"{style} is a blend, and painters are trained for single styles: paint it with structure")
        _train(project, listener, recipe, style, wanted)
        listener.made(wanted.id)
    store = project.store
    carried = metadata(wanted.path, store.read(wanted.path, HEAD))
    made = Painter.from_bytes(take(store, wanted.id), wanted.path).made
    kept = ("size", "steps", "seconds", "setbacks", "contents", "held_out", "networks")
    shown = {
        "preview": preview(stored_picture(store, wanted.id, "sheet")),
        **{f"loss_{term}": value for term, value in made["losses"].items()},
        **{name: made[name] for name in kept},
        "fingerprint": wanted.fingerprint,
    }
    return Made(shown, checks.carried(carried), made_of=ArtefactId("style_image", style=style))


def _train(project: Project, listener: Listener, recipe: Recipe, style: str, wanted: Artefact) -> None:
    picture = image_io.read(take(project.store, ArtefactId("style_image", style=style)))
    plan = Plan(recipe.training_size, steps=recipe.training_steps, seed=recipe.seed)
    contents = {f"sample {name}": image_io.to_tensor(x) for name, x in samples.contents().items()}
    for key in project.contents.pictures:
        stored = ArtefactId("content_image", content=key)
        if project.store.exists(stored.path):
            contents[key] = image_io.read(take(project.store, stored))
    trained, held_out = split({name: reduced(x, plan.size) for name, x in contents.items()})
    if few := warning_of_few(len(trained)):
        listener.note(f"{wanted.id}: {few}")
    training = Training(picture, list(trained.values()), list(held_out.values()), recipe, project.models, plan)
    pastiches = _finished(project, listener, training, wanted)
    sheet = image_io.encode_png(validation_sheet(training, picture, pastiches))
    verdicts = [checks.required(checks.finite(torch.stack([x.min() for x in pastiches])))]
    verdicts.append(checks.no_checkerboard(pastiches))
    verdicts.append(checks.near_optimiser(*_beside_optimiser(project, recipe, picture, training, pastiches)))
    versions = {"spnst": __version__, "torch": torch.__version__}
    painter = Painter.trained(training, style_digest(picture), versions)
    told = checks.stamp(verdicts)
    put(project.store, wanted, lambda stamp: painter.to_bytes({**stamp, **told}), {"sheet": sheet})
    project.checkpoints.remove(_checkpoint(wanted))


def _beside_optimiser(
    project: Project, recipe: Recipe, style: torch.Tensor, training: Training, pastiches: list[torch.Tensor]
) -> tuple[dict[str, float], dict[str, float]]:
    """Mean scores of the painter's pastiches of some contents that it wasn't trained on, and of the optimiser's."""
    models, judges, scored = project.models, project.judges, list(checks.FARTHER)
    optimised = recipe.with_size(training.plan.size).model_copy(update={"engine": "optimize"})
    targets = style_targets(style, optimised.suited_to(models.encoder.name), models)
    contents = (training.held_out or training.contents)[:COMPARED]
    found: tuple[list[dict[str, float]], list[dict[str, float]]] = [], []
    for content, painted in zip(contents, pastiches, strict=False):
        slow = stylize(content, style, optimised, models).pixels
        for scores, pastiche in zip(found, (painted, slow), strict=True):
            scores.append(measure(content, pastiche, style, targets, models, judges, scored).values)
    painter, optimiser = (
        {key: mean(x[key] for x in each) for key in scored if all(key in x for x in each)} for each in found
    )
    return painter, optimiser


def _finished(project: Project, listener: Listener, training: Training, wanted: Artefact) -> list[torch.Tensor]:
    """Train to the end; the pastiches of the held-out contents, as the finished painter paints them."""
    store, path, every = project.checkpoints, _checkpoint(wanted), project.settings.checkpoint_seconds
    if every and store.exists(path):
        try:
            resume(training, store.read(path))
            listener.note(f"{wanted.id} goes on after step {training.steps}")
        except InputError as error:
            listener.note(f"{wanted.id} begins anew: {error}")
    kept = time.monotonic()
    try:
        for step in course(training):
            if step.validation:
                total = step.validation[0].losses["total"]
                spent = f"step {training.steps} of {training.plan.steps}, {duration(training.seconds)}"
                listener.note(f"{wanted.id}: {spent}, loss on held-out contents {total:.3f}")
            if every and time.monotonic() - kept >= every:
                store.write(path, to_checkpoint(training))
                kept = time.monotonic()
    except Diverged as error:
        raise checks.CheckFailed(checks.diverged(error)) from error
    except BaseException:
        if every and training.steps:
            store.write(path, to_checkpoint(training))
        raise
    return [training.paint(content).cpu() for content in training.held_out or training.contents[:1]]


def _checkpoint(wanted: Artefact) -> str:
    return f"training/{wanted.path}"
