"""A trained painter: its network, what is known of its training, and the file that holds both."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from spnst_core.errors import InputError, cut
from spnst_core.imaging import io as image_io
from spnst_core.imaging.colour import with_colours_of
from spnst_core.objective.targets import read_metadata
from spnst_core.painters.network import FULL, NARROW, PainterNet, require_paintable
from spnst_core.painters.strips import painted_in_strips
from spnst_core.painters.training import Training, load_weights
from spnst_core.recipes.recipe import Recipe

MADE = "painter"
"""Metadata key of a painter's file, as JSON: `Painter.made`."""

WHOLE = 2**22
"""Pixels up to which a pastiche is painted as a whole, which takes some 450 bytes for each; larger ones, in strips."""

ARCHITECTURE = "cheng2020-nearest"
"""Name of the network in painters' files; another network would have another name."""


@dataclass(frozen=True, eq=False)
class Painter:
    """A network that paints any content in one style in one pass.

    Attributes:
        network: in evaluation mode, without gradients.
        made: how it was made, of JSON's types: ``architecture``, ``width``, ``size`` in pixels of its largest views,
            ``recipe`` as YAML and ``recipe_name``, ``style`` (a digest of the picture), ``networks`` that the losses
            looked through, ``steps``, ``seconds``, ``contents``, ``losses`` on held-out contents, ``versions``.
    """

    network: PainterNet
    made: Mapping[str, Any]

    @classmethod
    def trained(cls, training: Training, style: str, versions: Mapping[str, str]) -> Painter:
        """The painter that a training has come to.

        Args:
            training: validated at least once.
            style: `style_digest` of the style.
            versions: of the packages that it was trained with.
        """
        last = training.validations[-1]
        network = PainterNet(training.plan.width)
        network.load_state_dict({name: weight.cpu() for name, weight in training.network.state_dict().items()})
        made = {
            "architecture": ARCHITECTURE,
            "width": training.plan.width,
            "size": training.plan.size,
            "recipe_name": training.recipe.name,
            "recipe": training.recipe.to_yaml(),
            "style": style,
            "networks": training.models.identity.label,
            "seed": training.plan.seed,
            "steps": training.steps,
            "seconds": round(training.seconds, 1),
            "setbacks": training.setbacks,
            "contents": len(training.contents),
            "held_out": len(training.held_out),
            "losses": {term: round(value, 5) for term, value in last.losses.items()},
            "versions": dict(versions),
        }
        return cls(network.eval().requires_grad_(False), made)

    @classmethod
    def from_bytes(cls, data: bytes, name: str) -> Painter:
        """The painter that `to_bytes` wrote.

        Args:
            data: the whole file.
            name: what to call it in an error.

        Raises:
            InputError: the file is damaged, or no painter, or one of a network that this version doesn't have.
        """
        try:
            made: Any = json.loads(read_metadata(data)[MADE])
            width, architecture = made["width"], made["architecture"]
            tensors = load(data)
        except (KeyError, TypeError, ValueError, SafetensorError) as error:
            raise InputError(
                f"{name} isn't a painter, or is damaged: train one with spnst painters train STYLE"
            ) from error
        if architecture != ARCHITECTURE or width not in (FULL, NARROW):
            raise InputError(
                f'{name} holds a painter of the network "{cut(str(architecture))}" of width {cut(str(width))}, which '
                "this version doesn't have: use the version that trained it"
            )
        network = PainterNet(width)
        load_weights(network, tensors)
        if not all(weight.isfinite().all() for weight in tensors.values()):
            raise InputError(f"{name} holds weights that aren't finite: train the painter again")
        return cls(network.eval().requires_grad_(False), made)

    def to_bytes(self, metadata: Mapping[str, str] | None = None) -> bytes:
        """A safetensors file: the weights in float32, and how they were made; equal painters give equal bytes."""
        weights = {name: weight.contiguous() for name, weight in self.network.state_dict().items()}
        return save(weights, {**(metadata or {}), MADE: json.dumps(self.made)})

    @property
    def size(self) -> int:
        """Long side in pixels at which strokes are as large as the recipe paints them."""
        return int(self.made["size"])

    @property
    def recipe(self) -> Recipe:
        """The recipe whose objective it was trained with."""
        return Recipe.from_yaml(self.made["recipe"], f"{self.made['recipe_name']}.yaml")

    @property
    def weights(self) -> int:
        """Number of weights."""
        return sum(weight.numel() for weight in self.network.parameters())

    @torch.inference_mode(False)
    @torch.no_grad()
    def paint(self, content: Tensor, size: int | None = None, device: str | torch.device = "cpu") -> Tensor:
        """A content's pastiche, (1, 3, h, w) in [0, 1], on the CPU.

        Strokes have the size in pixels that they were trained with, whatever the size of the picture.

        Args:
            content: (1, 3, H, W) RGB in [0, 1].
            size: long side of the pastiche in pixels; by default the painter's own.
            device: where to compute it; the network is moved there.

        Raises:
            InputError: the pastiche would be too small for the network.
        """
        height, width = image_io.fit(content.shape[2], content.shape[3], size or self.size)
        require_paintable(height, width, "the pastiche")
        seen = image_io.resize(content, height, width).to(device)
        network = self.network.to(device)
        painted: Tensor = network(seen) if height * width <= WHOLE else painted_in_strips(network, seen)
        recipe = self.recipe
        if recipe.colour == "content":
            painted = with_colours_of(seen, painted, recipe.colour_strength)
        return painted.cpu()


def style_digest(style: Tensor) -> str:
    """A digest of a style (1, 3, H, W), by which painters tell what they were trained for."""
    return sha256(style.cpu().contiguous().numpy().tobytes()).hexdigest()[:16]
