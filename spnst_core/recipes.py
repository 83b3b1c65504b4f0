"""Recipes: how to make a pastiche. Loss weights, stages, strokes, optimiser and starting picture, from YAML."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from spnst_core.errors import InputError, closest

NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Strokes = Annotated[tuple[Positive, ...], Field(min_length=1)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Weights(_Frozen):
    """How much each term counts. In the ``relative`` form 1 means: as much as the whole energy of the target."""

    content: NonNegative = 1.0
    style: NonNegative = 1.0
    edge: NonNegative = 0.0
    depth: NonNegative = 0.0
    tv: NonNegative = 0.0


class Stage(_Frozen):
    """One run of the optimiser at one size.

    ``scale`` is the fraction of the recipe's size that this stage works at. The learning rate falls from ``lr``
    to ``lr * lr_end`` along a half cosine. ``weights`` and ``strokes`` replace the recipe's own where given.
    """

    scale: Annotated[float, Field(gt=0, le=1)] = 1.0
    steps: Annotated[int, Field(ge=1)]
    lr: Positive = 0.03
    lr_end: Annotated[float, Field(gt=0, le=1)] = 1.0
    weights: Weights | None = None
    strokes: Strokes | None = None


class Recipe(_Frozen):
    """Everything that decides what a pastiche looks like, except the two pictures and the networks.

    ``strokes`` are sizes of the style picture, as multiples of the stage's size; their Grams are averaged, so a
    larger number paints with larger strokes. ``init`` is the starting picture: the content itself, the content
    ``recoloured`` with the style's palette, or seeded ``noise``. ``smooth_gradients`` blurs each gradient by
    [1 2 1]/4 both ways before the step (a Sobolev gradient): strokes form, and a weave of two pixels can't.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]*$")]
    description: str = ""
    form: Literal["relative", "raw"] = "relative"
    init: Literal["content", "recoloured", "noise"] = "recoloured"
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    smooth_gradients: bool = True
    size: Annotated[int, Field(ge=32)] = 256
    weights: Weights = Weights()
    strokes: Strokes = (1.0,)
    stages: Annotated[tuple[Stage, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _grows_to_full_size(self) -> Recipe:
        scales = [stage.scale for stage in self.stages]
        if scales != sorted(scales) or scales[-1] != 1:
            raise ValueError(f"stage scales must never fall and must end at 1, not {scales}")
        return self

    @staticmethod
    def names() -> list[str]:
        """Names of the built-in recipes."""
        folder = resources.files("spnst_core") / "recipes"
        return sorted(Path(f.name).stem for f in folder.iterdir() if f.name.endswith(".yaml"))

    @classmethod
    def load(cls, source: str | Path) -> Recipe:
        """A built-in recipe by name, or one of your own from a ``.yaml`` file, whose ``name`` defaults to the file's.

        Raises:
            InputError: no such recipe or file, not YAML, a misspelt key, or a value out of range.
        """
        text = str(source)
        if not text.endswith((".yaml", ".yml")):
            if text not in cls.names():
                raise InputError(
                    f'no recipe "{text}"{closest(text, cls.names())}: built in are {", ".join(cls.names())}; '
                    "a recipe of your own is a path ending in .yaml"
                )
            return cls._parse((resources.files("spnst_core") / "recipes" / f"{text}.yaml").read_text("utf-8"), text)
        try:
            return cls._parse(Path(text).read_text("utf-8"), text)
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"recipe {text} can't be read: {error}") from error

    @classmethod
    def _parse(cls, text: str, source: str) -> Recipe:
        try:
            data = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise InputError(f"recipe {source} isn't YAML: {' '.join(str(error).split())}") from error
        if not isinstance(data, dict):
            raise InputError(f"recipe {source} must be a mapping with at least the key stages")
        try:
            return cls.model_validate({"name": Path(source).stem.replace("-", "_").lower(), **data})
        except ValidationError as error:
            raise InputError(f"recipe {source}: " + "; ".join(map(_problem, error.errors()))) from error

    def with_size(self, size: int) -> Recipe:
        """The same recipe for pastiches whose long side is ``size`` pixels.

        Raises:
            InputError: ``size`` is too small for the recipe.
        """
        try:
            return Recipe.model_validate({**self.model_dump(), "size": size})
        except ValidationError as error:
            raise InputError(f"recipe {self.name}: " + "; ".join(map(_problem, error.errors()))) from error

    @property
    def sizes(self) -> tuple[int, ...]:
        """Long sides in pixels that the stages work at, each once, rising."""
        return tuple(sorted({self.stage_size(stage) for stage in self.stages}))

    @property
    def style_sizes(self) -> tuple[int, ...]:
        """Long sides in pixels at which the style picture is looked at, each once, rising."""
        return tuple(sorted({size for stage in self.stages for size in self.stroke_sizes(stage)}))

    def stage_size(self, stage: Stage) -> int:
        """Long side in pixels of the pastiche in one stage."""
        return round(self.size * stage.scale)

    def stroke_sizes(self, stage: Stage) -> tuple[int, ...]:
        """Long sides in pixels of the style picture whose statistics one stage averages."""
        return tuple(round(self.stage_size(stage) * stroke) for stroke in stage.strokes or self.strokes)

    def stage_weights(self, stage: Stage) -> Weights:
        """The weights in force in one stage."""
        return stage.weights or self.weights

    @property
    def steps(self) -> int:
        """Optimiser steps over all stages."""
        return sum(stage.steps for stage in self.stages)


_KEYS = {*Recipe.model_fields, *Stage.model_fields, *Weights.model_fields}


def _problem(error: Any) -> str:
    """One pydantic error as: key, what is wrong, what was given."""
    where = ".".join(str(part) for part in error["loc"]) or "recipe"
    if error["type"] == "extra_forbidden":
        return f"unknown key {where}{closest(str(error['loc'][-1]), _KEYS)}"
    if error["type"] == "missing":
        return f"key {where} is missing"
    if error["loc"]:
        return f"{where}: {error['msg']}, not {error['input']!r}"
    return str(error["msg"]).removeprefix("Value error, ")
