"""Options: what the Launchpad lets one run change. Without any, an asset makes what is missing or outdated."""

from enum import Enum

import dagster as dg
from pydantic import Field

from spnst_core.recipes.recipe import MAX_SIZE, Recipe, Weights

_TERMS = tuple(Weights.model_fields)


def _weight(meaning: str) -> str:
    return (
        f"Weight of {meaning}, in every stage, in place of the recipe's own. A cell painted with another weight is "
        "stamped with what really made it: scores, sheets and gallery leave it out, and the next run for missing cells "
        "counts it as outdated and paints it by the recipe again."
    )


class Remake(dg.Config):
    """For steps whose result nothing but their inputs decides."""

    force: bool = Field(
        False,
        description="Make the partitions of this run again even where they are up to date. What depends on them isn't "
        "outdated by that. A retry of a forced run starts from its beginning.",
    )


class Colour(str, Enum):
    """Whose colours a pastiche can have: the Launchpad offers these, and refuses others before a run starts."""

    style = "style"
    content = "content"
    match = "match"


class Paint(Remake, use_enum_values=True):
    """For pastiches. None means: as the recipe says."""

    content: float | None = Field(None, ge=0, description=_weight("the content's features"))
    style: float | None = Field(None, ge=0, description=_weight("the style's feature statistics"))
    edge: float | None = Field(None, ge=0, description=_weight("the content's edges"))
    depth: float | None = Field(None, ge=0, description=_weight("the content's depth"))
    tv: float | None = Field(None, ge=0, description=_weight("total variation, which smooths"))
    palette: float | None = Field(None, ge=0, description=_weight("the style's palette"))
    size: int | None = Field(
        None,
        ge=32,
        le=MAX_SIZE,
        description="Long side in pixels of the pastiches, in place of the settings' or the recipe's own. Depth, edges "
        "and style statistics at a size that isn't prepared are computed for the occasion. As with the weights, the "
        "next run for missing cells paints such a cell by the recipe again.",
    )

    colour: Colour | None = Field(
        None,
        description="Whose colours the pastiches have, in place of the recipe's own: the style's; the content's, given "
        "to the finished pastiche; or the style's after its palette was fitted to match the content's. As with the "
        "weights, the next run for missing cells paints such a cell by the recipe again.",
    )
    colour_strength: float | None = Field(
        None, ge=0, le=1, description="How far the colours content or match go, in place of the recipe's own."
    )

    style_strength: float | None = Field(
        None,
        ge=0,
        le=1,
        description="How much of the style the pastiches take on, from 0, the content, to 1, in place of the recipe's "
        "own. As with the weights, the next run for missing cells paints such a cell by the recipe again.",
    )

    record_every: int | None = Field(
        None,
        ge=0,
        le=1_000_000,
        description="Record a film of every cell while it is painted, one frame for each so many steps, in place of "
        "the settings' or the recipe's own; 0: no films. A cell without its film is painted once more for it, and its "
        "pastiche stays as it is. Films that are materialised by themselves have a frame for every second step unless "
        "told otherwise.",
    )

    @property
    def changes(self) -> dict[str, float | str]:
        """What is to differ from the recipe in the pastiche, by name."""
        names = (*_TERMS, "size", "colour", "colour_strength", "style_strength")
        given = {name: getattr(self, name) for name in names}
        return {name: value for name, value in given.items() if value is not None}

    def applied_to(self, recipe: Recipe) -> Recipe:
        """The recipe with the changes, or itself if there are none.

        Raises:
            InputError: a value that the recipe can't have.
        """
        weights = {name: value for name in _TERMS if (value := getattr(self, name)) is not None}
        changed = recipe.with_weights(weights) if weights else recipe
        if self.size:
            changed = changed.with_size(self.size)
        if self.colour or self.colour_strength is not None:
            changed = changed.with_colour(self.colour, self.colour_strength)
        if self.style_strength is not None:
            changed = changed.with_style_strength(self.style_strength)
        return changed if self.record_every is None else changed.model_copy(update={"record_every": self.record_every})
