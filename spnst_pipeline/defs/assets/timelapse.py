"""Timelapse: the asset of films, which the step that paints the cells makes (`spnst_pipeline.defs.painting`)."""

import dagster as dg

from spnst_core.recipes.recipe import Recipe
from spnst_core.report.film import read_facts, read_metadata
from spnst_pipeline.artefacts import rules
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.artefacts.soundness import take
from spnst_pipeline.defs.assets.input_images import content_image
from spnst_pipeline.defs.events import Made
from spnst_pipeline.storage.store import Store


def timelapse_spec(recipe: Recipe) -> dg.AssetSpec:
    """The asset ``timelapse/<recipe>``."""
    asset = ArtefactId("timelapse", recipe.name)
    return dg.AssetSpec(
        asset.asset_key,
        deps=[ArtefactId("pastiche", recipe.name).asset_key, content_image],
        group_name="films",
        kinds={"pytorch", "video"},
        description=f"Films of {recipe.name} at work: content, pastiche and loss, ending on the finished pastiche. "
        "Made where the recipe or the settings say record_every, or when materialised by hand: then a pastiche that "
        "is up to date is painted once more to be filmed, and stays as it is.",
        metadata={
            "file": asset.path,
            "format": "MP4, H.264, 8-bit 4:2:0, with the fingerprint and the steps between frames as metadata",
            "shape": f"content and pastiche side by side, each with a long side of {recipe.size} px",
        },
    )


def shown(store: Store, film: ArtefactId) -> Made:
    """What a film's event shows."""
    data = take(store, film)
    facts, carried = read_facts(data), read_metadata(data)
    return Made(
        {
            "frames": facts.frames,
            "seconds_of_film": round(facts.seconds, 2),
            "size": f"{facts.width} × {facts.height} px",
            "bytes": len(data),
            rules.EVERY: int(carried[rules.EVERY]),
            "path": dg.MetadataValue.path(store.locate(film.path)),
            "fingerprint": carried["fingerprint"],
        }
    )
