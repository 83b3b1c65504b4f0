"""Recipes: how to make a pastiche. Loss weights, stages, stroke scales, optimiser and initial picture, from YAML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml  # to write; reading is spnst_core.yaml_files'
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainSerializer,
    Tag,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticKnownError

from spnst_core.errors import InputError, closest, cut, quoted, several
from spnst_core.imaging.band import Band
from spnst_core.imaging.region import KEEP
from spnst_core.models.networks import ENCODERS
from spnst_core.models.roles import Layered, require_layers
from spnst_core.recipes.style_size import StyleSize
from spnst_core.recipes.terms import TERMS
from spnst_core.registry import Registry
from spnst_core.yaml_files import parse_yaml, read_yaml

MAX_SIZE = 10_000
"""Largest long side of a pastiche, in pixels: then none has more than `spnst_core.imaging.io.MAX_PIXELS`."""

MAX_STYLE_SIZE = 2 * MAX_SIZE
"""Largest size in pixels that a style is looked at with: that of large strokes in the largest pastiche."""

MAX_FLOAT = 1e38
"""Largest weight, share or learning rate: about as far as float32 goes."""

NonNegative = Annotated[float, Field(ge=0, le=MAX_FLOAT, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, le=MAX_FLOAT, allow_inf_nan=False)]
Size = Annotated[int, Field(ge=32, le=MAX_SIZE)]
Stroke = Annotated[float, Field(ge=0.01, le=100, allow_inf_nan=False)]
Strokes = Annotated[tuple[Stroke, ...], Field(min_length=1, max_length=16)]
Share = Annotated[float, Field(ge=0, lt=1)]
Steps = Annotated[int, Field(ge=1, le=1_000_000)]
Optimizer = Literal["adam", "lbfgs"]
Name = Annotated[str, Field(max_length=100, pattern=r"^[a-z0-9][a-z0-9_]*$")]
Engine = Literal["optimize", "feedforward", "arbitrary"]
Colour = Literal["style", "content", "match"]
Strength = Annotated[float, Field(ge=0, le=1)]
Limits = tuple[Strength, Strength]
Shares = Annotated[dict[str, Positive], Field(min_length=1)]
WrittenStyleSize = Annotated[
    StyleSize, BeforeValidator(lambda x: StyleSize.parse(x) if isinstance(x, str) else x), PlainSerializer(str)
]

DETAIL = 3.0
"""How many times more edges and depth count where a detail map is 1, unless a recipe says otherwise."""

TRAINING_STEPS = 2000
"""Steps that painters are trained for, unless a recipe says otherwise or validation flattens."""

TRAINING_SIZES = 64, 512
"""Bounds of `Recipe.training_size`."""

MARGIN = 8
"""Pixels of mirrored border around a picture with jitter, and the largest offset of a view in each direction."""

STRUCTURE_TERMS = ("edge", "depth")
"""Names of the terms that `Recipe.with_structure` weighs."""

STROKES: Mapping[str, tuple[float, ...]] = {
    "small": (0.5,),
    "medium": (1.0,),
    "large": (2.0,),
    "mixed": (0.5, 1.0, 2.0),
}
"""Stroke scales by name, for `Recipe.with_strokes` and for regions: multiples of the size that the style is given."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _known_encoder(name: str) -> str:
    ENCODERS.require(name)
    return name


def _known_term(name: str) -> str:
    TERMS.require(name)
    return name


def stroke_scales(name: str) -> tuple[float, ...]:
    """The `STROKES` of that name.

    Raises:
        InputError: there are none.
    """
    if name not in STROKES:
        raise InputError(f'no strokes "{cut(name)}"{closest(name, STROKES)}: there are {", ".join(STROKES)}')
    return STROKES[name]


def _known_strokes(name: str) -> str:
    stroke_scales(name)
    return name


def _added_term(name: str) -> str:
    if name not in TERMS:
        raise PydanticKnownError("extra_forbidden")
    return name


class Weights(_Frozen):
    """How much each loss term counts. In the ``relative`` form, 1 is the energy of the target.

    ``palette`` holds the colours to the style's mean and covariance (`spnst_core.objective.losses.palette_loss`), which
    the statistics of features reach only slowly: hues that the style lacks hardly count in them.

    A term that another package adds is given a weight under its own name, as the built-in ones are; see
    `spnst_core.recipes.terms`.
    """

    model_config = ConfigDict(frozen=True, extra="allow")
    __pydantic_extra__: dict[Annotated[str, AfterValidator(_added_term)], NonNegative] = Field(init=False)

    content: NonNegative = 1.0
    style: NonNegative = 1.0
    edge: NonNegative = 0.0
    depth: NonNegative = 0.0
    tv: NonNegative = 0.0
    # Left out of a recipe's text where it is 0, so that fingerprints are those of recipes before it was there.
    palette: NonNegative = Field(default=0.0, exclude_if=lambda given: not given)

    @property
    def by_term(self) -> dict[str, float]:
        """All weights by the name of their term, the built-in terms first."""
        return self.model_dump()


class LayerChoice(_Frozen):
    """Layers of one encoder and their shares in the content and the style loss; by default, the encoder's own."""

    content: Shares | None = None
    style: Shares | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """All layers that are chosen."""
        return (*(self.content or ()), *(self.style or ()))


class Stage(_Frozen):
    """One run of the optimiser at one size.

    ``scale``, from 0.01 to 1, is the fraction of the recipe's size that this stage works at. It takes at most a million
    ``steps``. Adam's learning rate falls from ``lr``
    to ``lr * lr_end`` along a half cosine; L-BFGS finds its own step. ``optimizer``, ``weights`` and ``strokes``
    replace the recipe's own where given; terms that the stage is ``without`` have weight 0 and cost no time.
    """

    scale: Annotated[float, Field(ge=0.01, le=1)] = 1.0
    steps: Steps
    lr: Positive = 0.03
    lr_end: Annotated[float, Field(gt=0, le=1)] = 1.0
    weights: Weights | None = None
    without: tuple[Annotated[str, AfterValidator(_known_term)], ...] = ()
    strokes: Strokes | None = None
    # Left out of a recipe's text where it isn't given, so that fingerprints are those of recipes before it was there.
    optimizer: Optimizer | None = Field(default=None, exclude_if=lambda given: given is None)


class Draft(_Frozen):
    """The pastiche of the recipe with this name; see `spnst_core.recipes.drafts`."""

    recipe: Name


Init = Annotated[
    Annotated[Literal["content", "recoloured", "noise"], Tag("[picture]")] | Annotated[Draft, Tag("[draft]")],
    Discriminator(lambda given: "[draft]" if isinstance(given, Mapping | Draft) else "[picture]"),
]


class StrokedBand(_Frozen):
    """A band of depth with strokes of a size of its own.

    Attributes:
        depth: from where to where it reaches, as the bands of `Recipe.bands`.
        strokes: ``small``, ``medium`` or ``large``: half, once or twice as large as the recipe's own, or ``mixed``, all
            three at once.
    """

    depth: Limits
    strokes: Annotated[str, AfterValidator(_known_strokes)]


WrittenBand = Annotated[
    Annotated[Limits, Tag("[limits]")] | Annotated[StrokedBand, Tag("[band]")],
    Discriminator(lambda given: "[band]" if isinstance(given, Mapping | StrokedBand) else "[limits]"),
]


class Growth(_Frozen):
    """How large pictures are painted: in all stages at one size, then at sizes that double until it is their own.

    Strokes made at full size get the finer, the larger the picture is. Those that grow stay broad, and are sharpened.

    Attributes:
        beyond: long side in pixels of pictures that are painted in the stages alone, and at which larger ones begin.
        steps: at each of the larger sizes, by the optimiser of the last stage.
        tv: by what the weight of total variation is multiplied there. A style's picture holds the grain of its canvas
            and of its camera at these sizes, and few steps paint it as noise.
    """

    beyond: Size
    steps: Steps
    tv: Annotated[float, Field(gt=0, le=1000)] = 1.0


class Recipe(_Frozen):
    """Everything that determines a pastiche, apart from the two pictures and the networks. Immutable.

    Examples:
        >>> import spnst_core as sp
        >>> recipe = sp.Recipe.load("structure").with_size(320).with_weights({"edge": 2})
        >>> recipe.size, recipe.weights.edge
        (320, 2.0)
        >>> sp.Recipe(name="mine", stages=[sp.Stage(scale=0.5, steps=80), sp.Stage(steps=60)]).sizes
        (128, 256)

    Attributes:
        name: at most 100 lower-case letters, digits and underscores.
        description: one sentence about what the recipe does.
        form: ``relative`` or ``raw`` for every loss, see `spnst_core.objective.losses`.
        init: the picture to start from: the content itself, the content ``recoloured`` with the style's palette,
            seeded ``noise``, or ``{recipe: NAME}``, the same cell's pastiche by another recipe, as a draft.
        optimizer: ``adam``, or ``lbfgs`` (L-BFGS with a line search of its own for each cell), unless a stage has its
            own.
        betas: Adam's decay rates.
        smooth_gradients: blur each gradient by [1 2 1]/4 both ways before Adam's step (a Sobolev gradient): strokes
            form, and a weave of two pixels can't.
        jitter: at every step, show the networks a window at a random place, and the depth network a softened and
            noisy one, so that their grids and blind spots aren't painted. Without it they see the picture as it is.
        edge_on: compare the edge detector's ``maps``, the ``features`` that lead to them, ``analytic`` edges at five
            scales, which need no network (`spnst_core.models.embedded.edges.MultiScaleEdges`), or the same on the
            ``contours`` that the edge detector sees in the content: elsewhere they count little, and strokes are free.
        depth_on: the same for the depth network.
        detail: how much more edges and depth count where the user's detail map is 1: by this many times their weights.
            The edges that are added are analytic ones, whatever ``edge_on`` is, so that fine ones count as well.
        colour: whose colours the pastiche has: the ``style``'s; the ``content``'s, place by place, which are given to
            the finished pastiche and leave its luma as it is (`spnst_core.imaging.colour.with_colours_of`); or
            the style's after its palette was fitted to ``match`` the content's (`spnst_core.imaging.colour.matched`).
        colour_strength: how far ``content`` or ``match`` goes, from 0 to 1.
        style_strength: how much of the style the pastiche takes on, from 0, the content, to 1: between them its feature
            statistics, colours among them, are to lie that far on the way from the content's own to the style's.
        bands: regions of every content by its depth, by name, each from one number to another, where 0 is the farthest
            and 1 the nearest (`spnst_core.imaging.band.Band`). Each is painted in the part of a style that a mask of
            the same name shows, or in all of it, and with strokes of its own if it is a `StrokedBand`; ``keep`` isn't
            painted.
        engine: how pastiches are painted: ``optimize``, pixel by pixel; ``feedforward``, in one pass by a painter, a
            network that is trained for each style with the losses of the last stage (`spnst_core.painters`); or
            ``arbitrary``, in one pass by a network that paints any style (`spnst_core.painters.arbitrary`), for which
            only size and colours count.
        training_steps: steps that such a painter is trained for at most.
        layers: for each encoder that shouldn't use its own choice of layers, which ones of its layers it should use.
        for_encoder: for each encoder that needs other settings, those that replace the recipe's own; see `suited_to`.
        size: long side of the pastiche in pixels, from 32 to `MAX_SIZE`.
        style_size: the size that the style is looked at with, such as ``512-short``; the stage's size if not given.
        strokes: up to 16 multiples of that size, each from 0.01 to 100, which make at most `MAX_STYLE_SIZE` pixels; the
            Grams at all of them are averaged. Larger numbers paint larger strokes.
        stages: from one to a hundred; in each, some loss term must have a weight.
        growth: how pictures larger than a certain size are painted; None: as all others.
        flat: early stopping: a cell leaves a stage once its mean loss over 20 steps is less than this share below that
            over the 20 steps before; 0 turns it off. L-BFGS also ends where no step improves the loss.
        record_every: steps of the optimiser between two frames of a cell's film; 0 makes no film. It doesn't change
            the pastiche.
    """

    name: Name
    description: str = ""
    form: Literal["relative", "raw"] = "relative"
    init: Init = "recoloured"
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    optimizer: Optimizer = "adam"
    betas: tuple[Share, Share] = (0.9, 0.99)
    smooth_gradients: bool = True
    jitter: bool = True
    edge_on: Literal["maps", "features", "analytic", "contours"] = "maps"
    depth_on: Literal["maps", "features"] = "maps"
    # Left out of a recipe's text where they have their default, as a stage's optimizer.
    detail: NonNegative = Field(default=DETAIL, exclude_if=lambda given: given == DETAIL)
    colour: Colour = Field(default="style", exclude_if=lambda given: given == "style")
    colour_strength: Strength = Field(default=1.0, exclude_if=lambda given: given == 1)
    style_strength: Strength = Field(default=1.0, exclude_if=lambda given: given == 1)
    bands: dict[Annotated[str, Field(min_length=1)], WrittenBand] = Field(
        default={}, exclude_if=lambda given: not given
    )
    engine: Engine = Field(default="optimize", exclude_if=lambda given: given == "optimize")
    training_steps: Steps = Field(default=TRAINING_STEPS, exclude_if=lambda given: given == TRAINING_STEPS)
    layers: dict[Annotated[str, AfterValidator(_known_encoder)], LayerChoice] = {}
    for_encoder: dict[Annotated[str, AfterValidator(_known_encoder)], dict[str, Any]] = {}
    size: Size = 256
    style_size: WrittenStyleSize | None = None
    weights: Weights = Weights()
    strokes: Strokes = (1.0,)
    growth: Growth | None = Field(default=None, exclude_if=lambda given: given is None)
    flat: Share = 0.005
    record_every: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    stages: Annotated[tuple[Stage, ...], Field(min_length=1, max_length=100)]

    def __hash__(self) -> int:
        return hash(self.name)  # equal recipes have equal names; the fields that are dictionaries have no hash

    @field_validator("layers")
    @classmethod
    def _has_such_layers(cls, layers: dict[str, LayerChoice]) -> dict[str, LayerChoice]:
        for encoder, choice in layers.items():
            if not ENCODERS.origin(encoder):  # another package may make this recipe while it is being imported
                require_layers(ENCODERS[encoder], choice.names)
        return layers

    @model_validator(mode="after")
    def _grows_to_full_size(self) -> Recipe:
        scales = [stage.scale for stage in self.stages]
        if scales != sorted(scales) or scales[-1] != 1:
            raise ValueError(f"stage scales must never fall and must end at 1, not {quoted(scales)}")
        return self

    @model_validator(mode="after")
    def _can_paint(self) -> Recipe:
        for number, stage in enumerate(self.stages):
            if not any(self.stage_weights(stage).by_term.values()):
                raise ValueError(f"stages.{number} has nothing to paint by: give some loss term a weight above 0")
            if (largest := max(self.stroke_sizes(stage))).pixels > MAX_STYLE_SIZE:
                raise ValueError(
                    f"stages.{number} looks at the style with {largest.pixels:,} pixels, more than {MAX_STYLE_SIZE:,}: "
                    "choose smaller strokes or a smaller size"
                )
        return self

    @model_validator(mode="after")
    def _suits_the_optimizer(self) -> Recipe:
        stages = [stage for stage in self.stages if self.stage_optimizer(stage) == "lbfgs"]
        if stages and (self.jitter or self.smooth_gradients):
            raise ValueError(
                "optimizer lbfgs compares losses and gradients along a line, which jitter and smooth_gradients "
                "falsify: set both to false"
            )
        if any({"lr", "lr_end"} & stage.model_fields_set for stage in stages):
            raise ValueError("optimizer lbfgs finds its own step: leave lr and lr_end out of its stages")
        return self

    @model_validator(mode="after")
    def _has_colours_to_weigh(self) -> Recipe:
        if self.colour == "style" and self.colour_strength != 1:
            raise ValueError("colour_strength needs colour content or match: with colour style there is nothing to mix")
        return self

    @model_validator(mode="after")
    def _has_bands(self) -> Recipe:
        try:
            bands, _ = self.depth_bands, self.style_sizes  # each raises where it can't be
        except InputError as error:
            raise ValueError(f"bands: {error}") from error
        if KEEP in self.band_strokes:
            raise ValueError(f"bands: {KEEP} stays as it is and takes no strokes: give its limits alone")
        if bands and self.engine != "optimize":
            raise ValueError("bands need engine optimize: in one pass, a whole picture is painted in one style")
        return self

    @model_validator(mode="after")
    def _suits_the_engine(self) -> Recipe:
        if self.engine != "feedforward" and self.training_steps != TRAINING_STEPS:
            raise ValueError(f"training_steps needs engine feedforward: with engine {self.engine} nothing is trained")
        if self.engine != "optimize" and self.record_every:
            raise ValueError("record_every needs engine optimize: what is painted in one pass can't be filmed")
        if self.engine != "optimize" and isinstance(self.init, Draft):
            raise ValueError("init with a recipe needs engine optimize: painting in one pass starts from nothing")
        if self.engine != "optimize" and self.style_strength != 1:
            raise ValueError("style_strength needs engine optimize: what paints in one pass takes on all of the style")
        if self.engine == "feedforward" and self.colour == "match":
            raise ValueError("colour match fits the palette to each content, and a painter has one: choose another")
        return self

    @model_validator(mode="after")
    def _suits_every_encoder(self) -> Recipe:
        own = {"name", "description", "size", "for_encoder"}
        for encoder, changes in self.for_encoder.items():
            if kept := own & changes.keys():
                raise ValueError(f"for_encoder.{encoder} can't change {', '.join(sorted(kept))}")
            try:
                self._changed(changes)
            except ValidationError as error:
                raise ValueError(f"for_encoder.{encoder}: {_problems(error)}") from error
        return self

    @staticmethod
    def names() -> list[str]:
        """Names of the built-in recipes, then of those that packages add."""
        return RECIPES.names()

    @classmethod
    def load(cls, source: str | Path) -> Recipe:
        """A recipe by name, built in or of a package, or from a ``.yaml`` file, whose ``name`` defaults to the file's.

        Raises:
            InputError: no such recipe or file, not YAML, a misspelt key, a value out of range, or ``source`` is neither
                text nor a path.
        """
        if not isinstance(source, str | Path):
            raise InputError(
                f"a recipe can't be a {type(source).__name__}: give a spnst_core.Recipe, a recipe's name, or the path "
                "of a .yaml file"
            )
        text = str(source)
        if not text.endswith((".yaml", ".yml")):
            if text not in RECIPES:
                raise InputError(
                    f'no recipe "{cut(text)}"{closest(text, cls.names())}: there are {", ".join(cls.names())}; '
                    "a recipe of your own is a path ending in .yaml"
                )
            return RECIPES[text]
        return cls._from_mapping(read_yaml(Path(text), "recipe"), text)

    @classmethod
    def from_yaml(cls, text: str, source: str) -> Recipe:
        """A recipe from YAML text; ``source`` names it in errors, and gives its ``name`` unless the text does.

        Raises:
            InputError: as `load`.
        """
        return cls._from_mapping(parse_yaml(text, f"recipe {cut(source)}"), source)

    @classmethod
    def _from_mapping(cls, data: Mapping[str, Any], source: str) -> Recipe:
        name = Path(source).stem.replace("-", "_").lower()
        return cls._validated({"name": name, **data}, cut(source))

    @classmethod
    def _validated(cls, data: Mapping[str, Any], source: str) -> Recipe:
        """The recipe of these settings; an `InputError` about ``source`` where there is none."""
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise InputError(f"recipe {source}: {_problems(error)}") from error

    def to_yaml(self) -> str:
        """The text of a recipe file with every setting, also those that have their default, to be edited.

        The description is a comment at the top. The name is left out, because a recipe is named after its file.
        """
        data = self.model_dump(mode="json", exclude_none=True, exclude={"name", "description"})
        for stage, written in zip(self.stages, data["stages"], strict=True):
            if not stage.without:
                del written["without"]
            if self.stage_optimizer(stage) == "lbfgs":
                del written["lr"], written["lr_end"]
        settings = {key: value for key, value in data.items() if value != {}} | {"colour": self.colour}
        text = yaml.safe_dump(settings, sort_keys=False, default_flow_style=None, width=120)
        return f"# {' '.join(self.description.split())}\n{text}" if self.description else text

    def with_size(self, size: int) -> Recipe:
        """The same recipe for pastiches whose long side is ``size`` pixels.

        Raises:
            InputError: ``size`` is too small for the recipe.
        """
        return self._validated({**self.model_dump(exclude_unset=True), "size": size}, self.name)

    def with_weights(self, weights: Mapping[str, float]) -> Recipe:
        """The same recipe with some weights, by the names of their terms, replaced in every stage.

        Raises:
            InputError: no such term, or a weight out of range.
        """
        data = self.model_dump(exclude_unset=True)
        changed = data.get("for_encoder", {}).values()
        stages = [stage for part in (data, *changed) for stage in part.get("stages", ())]
        for part in (data, *(part for part in (*changed, *stages) if part.get("weights"))):
            part["weights"] = {**part.get("weights", {}), **weights}
        return self._validated(data, self.name)

    def with_structure(self, amount: float) -> Recipe:
        """The same recipe with another amount of the content's structure: its edge and depth weights times (2·amount)².

        Args:
            amount: from 0, which leaves the structure terms out, over 0.5, the recipe as it is, to 1, which asks four
                times as much of them.

        Raises:
            InputError: an amount outside [0, 1], or the recipe weighs neither edges nor depth.

        >>> Recipe.load("structure").with_structure(1).weights.edge
        4.8
        """
        if not 0 <= amount <= 1:
            raise InputError(f"structure is from 0 to 1, not {amount:g}")
        data = self.model_dump(exclude_unset=True)
        parts = [data, *data.get("for_encoder", {}).values()]
        stages = [stage for part in parts for stage in part.get("stages", ())]
        weighed = [part["weights"] for part in (*parts, *stages) if part.get("weights")]
        if not any(weights.get(term) for weights in weighed for term in STRUCTURE_TERMS):
            raise InputError(f"recipe {self.name} weighs neither edges nor depth: choose another, such as structure")
        for weights in weighed:
            weights |= {term: (2 * amount) ** 2 * weights[term] for term in STRUCTURE_TERMS if term in weights}
        return self._validated(data, self.name)

    def with_strokes(self, strokes: str) -> Recipe:
        """The same recipe with strokes of another size in every stage.

        Args:
            strokes: ``small``, ``medium`` or ``large``, which look at the style at half, once or twice the size that
                the recipe gives it, or ``mixed``, which averages the statistics at all three.

        Raises:
            InputError: no such strokes, or a recipe with engine ``arbitrary``, whose strokes are as it has learnt them.

        >>> Recipe.load("structure").with_strokes("mixed").strokes
        (0.5, 1.0, 2.0)
        """
        scales = stroke_scales(strokes)
        if self.engine == "arbitrary":
            raise InputError(f"recipe {self.name} has strokes of one size: choose another, such as structure")
        data = self.model_dump(exclude_unset=True)
        parts = [data, *data.get("for_encoder", {}).values()]
        stages = [stage for part in parts for stage in part.get("stages", ())]
        for part in (*parts, *stages):
            part.pop("strokes", None)
        return self._validated({**data, "strokes": scales}, self.name)

    def with_colour(self, colour: str | None = None, strength: float | None = None) -> Recipe:
        """The same recipe with other colours.

        Args:
            colour: ``style``, ``content`` or ``match``; by default the recipe's own.
            strength: how far ``content`` or ``match`` goes, from 0 to 1; by default 1 if a ``colour`` is given, and
                otherwise the recipe's own.

        Raises:
            InputError: no such colour, a strength outside [0, 1], or one without ``content`` or ``match``.

        >>> Recipe.load("structure").with_colour("content", 0.8).colour_strength
        0.8
        """
        given = {"colour": colour, "colour_strength": 1.0 if colour and strength is None else strength}
        changes = {key: value for key, value in given.items() if value is not None}
        data = self.model_dump(exclude_unset=True)
        for part in data.get("for_encoder", {}).values():
            for key in changes:
                part.pop(key, None)
        return self._validated({**data, **changes}, self.name)

    def with_style_strength(self, strength: float) -> Recipe:
        """The same recipe, taking on this much of a style in every stage, from 0, the content, to 1.

        Raises:
            InputError: a strength outside [0, 1], or a recipe that paints in one pass.

        >>> Recipe.load("structure").with_style_strength(0.5).style_strength
        0.5
        """
        data = self.model_dump(exclude_unset=True)
        for part in data.get("for_encoder", {}).values():
            part.pop("style_strength", None)
        return self._validated({**data, "style_strength": strength}, self.name)

    def suited_to(self, encoder: str) -> Recipe:
        """The recipe as it paints with an encoder of that name: without what it holds for others.

        Its stages are those that its size takes (see `Growth`), so `with_size` comes first.

        Raises:
            InputError: it chooses layers that the encoder doesn't have. For built-in encoders, such a recipe is already
                refused when it is made.

        >>> Recipe.load("structure").suited_to("vgg16").jitter
        False
        >>> Recipe.load("structure").with_size(1500).suited_to("vgg16").sizes
        (256, 512, 1024, 1500)
        """
        found = self._changed(self.for_encoder.get(encoder, {})) if self.for_encoder else self
        found = found._grown()
        if encoder in found.layers:
            require_layers(ENCODERS[encoder], found.layers[encoder].names)
        if found.layers.keys() <= {encoder}:
            return found
        return found.model_copy(update={"layers": {k: v for k, v in found.layers.items() if k == encoder}})

    def refining(self, size: int) -> Recipe:
        """The recipe, suited to an encoder, with those stages alone that are larger than ``size`` pixels.

        Raises:
            InputError: none is, because the recipe's own size isn't.

        >>> Recipe.load("structure").with_size(1500).suited_to("vgg16").refining(512).sizes
        (1024, 1500)
        """
        if size >= self.size:
            raise InputError(f"there is nothing to refine from {size} to {self.size} px: choose a larger size")
        return self.model_copy(update={"stages": tuple(s for s in self.stages if self.stage_size(s) > size)})

    def _grown(self) -> Recipe:
        """The recipe with all stages that its size takes, and without ``growth``."""
        if self.growth is None:
            return self
        share, stages = min(1.0, self.growth.beyond / self.size), list(self.stages)
        if share < 1:
            stages = [stage.model_copy(update={"scale": stage.scale * share}) for stage in stages]
        last = self.stages[-1]
        weights = last.weights or self.weights
        weights = weights.model_copy(update={"tv": weights.tv * self.growth.tv})
        while share < 1:
            share = min(1.0, 2 * share)
            stages.append(last.model_copy(update={"scale": share, "steps": self.growth.steps, "weights": weights}))
        return self.model_copy(update={"stages": tuple(stages), "growth": None})

    def _changed(self, changes: Mapping[str, Any]) -> Recipe:
        return Recipe.model_validate({**self.model_dump(exclude_unset=True, exclude={"for_encoder"}), **changes})

    @property
    def margin(self) -> int:
        """Pixels mirrored around the picture while it is optimised, and cropped at the end: room for jitter."""
        return MARGIN if self.jitter else 0

    @property
    def depth_bands(self) -> dict[str, Band]:
        """The bands by name."""
        limits = {name: band.depth if isinstance(band, StrokedBand) else band for name, band in self.bands.items()}
        return {name: Band(*between) for name, between in limits.items()}

    @property
    def band_strokes(self) -> dict[str, str]:
        """The strokes, by name, of the bands that have their own."""
        return {name: band.strokes for name, band in self.bands.items() if isinstance(band, StrokedBand)}

    @property
    def training_size(self) -> int:
        """Long side in pixels of what a painter is trained for: a multiple of 8, as near the size as can be.

        In larger pastiches, strokes stay as large as at this size.
        """
        least, most = TRAINING_SIZES
        return max(least, min(most, self.size // 8 * 8))

    @property
    def sizes(self) -> tuple[int, ...]:
        """Long sides in pixels that the stages work at, each once, rising."""
        return tuple(sorted({self.stage_size(stage) for stage in self.stages}))

    @property
    def style_sizes(self) -> tuple[StyleSize, ...]:
        """Sizes at which the style picture is looked at, also for the strokes of bands, each once, rising."""
        return self.style_sizes_for(self.band_strokes.values())

    def stage_size(self, stage: Stage) -> int:
        """Long side in pixels of the pastiche in one stage, at least 1."""
        return max(1, round(self.size * stage.scale))

    def stage_optimizer(self, stage: Stage) -> Optimizer:
        """The optimiser that one stage runs."""
        return stage.optimizer or self.optimizer

    def stroke_sizes(self, stage: Stage) -> tuple[StyleSize, ...]:
        """Sizes of the style picture whose statistics one stage averages."""
        size = self.style_size or StyleSize(self.stage_size(stage))
        return tuple(size.times(stroke) for stroke in stage.strokes or self.strokes)

    def style_sizes_for(self, strokes: Iterable[str] = ()) -> tuple[StyleSize, ...]:
        """Sizes at which the stages look at the style picture, and regions with strokes of these names.

        Raises:
            InputError: no such strokes, or a size beyond `MAX_STYLE_SIZE`.
        """
        own = {size for stage in self.stages for size in self.stroke_sizes(stage)}
        multiples = {name: {size.times(scale) for size in own for scale in stroke_scales(name)} for name in strokes}
        for name, sizes in multiples.items():
            if (largest := max(size.pixels for size in sizes)) > MAX_STYLE_SIZE:
                raise InputError(
                    f"{name} strokes look at the style with {largest:,} pixels, more than {MAX_STYLE_SIZE:,}: choose "
                    "smaller strokes or a smaller size"
                )
        return tuple(sorted(own.union(*multiples.values())))

    def content_layers(self, encoder: Layered) -> Mapping[str, float]:
        """The encoder's layers for content and what each counts."""
        return self._layers(encoder).content or encoder.content_layers

    def style_layers(self, encoder: Layered) -> Mapping[str, float]:
        """The encoder's layers for style and what each counts."""
        return self._layers(encoder).style or encoder.style_layers

    def _layers(self, encoder: Layered) -> LayerChoice:
        return next((layers for name, layers in self.layers.items() if name == encoder.name), LayerChoice())

    def stage_weights(self, stage: Stage) -> Weights:
        """The weights in force in one stage."""
        return (stage.weights or self.weights).model_copy(update=dict.fromkeys(stage.without, 0.0))

    @property
    def heeds_detail(self) -> bool:
        """Whether a detail map changes the pastiches."""
        used = [self.stage_weights(stage) for stage in self.stages]
        held = any(each.edge or (each.depth and self.depth_on == "maps") for each in used)
        return self.engine == "optimize" and self.detail > 0 and held

    def require_detail(self) -> None:
        """See that a detail map changes the pastiches.

        Raises:
            InputError: it doesn't.
        """
        if not self.heeds_detail:
            raise InputError(
                f"recipe {self.name} has nothing to hold in detail, no weight of edges or depth: leave the detail map "
                "out, or choose another, such as structure"
            )

    def require_stages(self, count: int) -> None:
        """See that a blend with weights for so many stages suits the recipe; up to one, they hold for all stages.

        To be asked of a recipe that is `suited_to` its encoder. What paints in one pass takes the weights of the last.

        Raises:
            InputError: the recipe has another number of stages.
        """
        if count > 1 and count != len(self.stages) and self.engine == "optimize":
            raise InputError(
                f"a blend has weights for {count} stages, and recipe {self.name} has {len(self.stages)} at "
                f"{self.size} px: give weights for each of them"
            )

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of the loss terms: the built-in ones, and others that some stage weighs."""
        return tuple(dict.fromkeys(name for stage in self.stages for name in self.stage_weights(stage).by_term))

    @property
    def steps(self) -> int:
        """Optimiser steps over all stages."""
        return sum(stage.steps for stage in self.stages)


_KEYS = {key for model in (Recipe, Draft, StrokedBand, Stage, Weights, LayerChoice) for key in model.model_fields}


_NO_KEYS = ("[key]", "[picture]", "[draft]", "[limits]", "[band]")
"""Parts of pydantic's locations that aren't keys of a recipe."""


def _problems(error: ValidationError) -> str:
    """What pydantic found, each as: key, what is wrong, what was given. A list is faulty where its items are."""
    found = error.errors()
    around = {each["loc"][:length] for each in found for length in range(len(each["loc"]))}
    return several([_problem(each) for each in found if each["loc"] not in around])


def _problem(error: Any) -> str:
    where = cut(".".join(str(part) for part in error["loc"] if part not in _NO_KEYS)) or "recipe"
    if error["type"] == "extra_forbidden":
        return f"unknown key {where}{closest(str(error['loc'][-1]), [*_KEYS, *TERMS])}"
    if error["type"] == "missing":
        return f"key {where} is missing"
    if error["type"] == "value_error":
        problem = str(error["msg"]).removeprefix("Value error, ")
        return f"{where}: {problem}" if error["loc"] else problem
    return f"{where}: {error['msg']}, not {quoted(error['input'])}"


def _require_recipe(name: str, value: Any) -> None:
    if not isinstance(value, Recipe):
        raise TypeError(f"it is a {type(value).__name__}, not a spnst_core.Recipe")
    if value.name != name:
        raise ValueError(f'its name is "{value.name}"; entry point and name must be the same')


_BUILT_IN = sorted(
    file.name.removesuffix(".yaml")
    for file in (resources.files("spnst_core.recipes") / "builtin").iterdir()
    if file.name.endswith(".yaml")
)

RECIPES: Registry[Recipe] = Registry(
    "recipe", "spnst.recipes", {name: f"spnst_core.recipes.builtin:{name}" for name in _BUILT_IN}, _require_recipe
)
"""Every recipe by its name, the built-in ones first."""
