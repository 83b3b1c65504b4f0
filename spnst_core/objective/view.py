"""Views: the part of the canvas that the networks see in one step, and the noise added to the depth network's input."""

from dataclasses import dataclass

import torch
from torch import Tensor

from spnst_core.compute.blur import soften
from spnst_core.compute.tiling import Slices
from spnst_core.imaging.colour import luminance
from spnst_core.objective.canvas import crop

DEPTH_NOISE = 0.02
"""Standard deviation of the noise added to the depth network's input, where the recipe has jitter.

The optimiser can satisfy a small network with a pattern of faint dots that no eye reads as depth. Such a pattern
doesn't survive the noise.
"""


@dataclass(frozen=True, eq=False)
class View:
    """What the networks see in one step: a window of the canvas, and noise (1, 1, h, w) for the depth network.

    All cells of a batch share it, so that a batch gives what each cell would give alone.
    """

    window: Slices = (...,)
    noise: Tensor | None = None

    def depth_input(self, x: Tensor) -> Tensor:
        """The depth network's input for canvases (N, 3, H, W): the window, (N, 3, h, w).

        If there is noise, the window is first reduced to its luminance and blurred. A style is free to change colours,
        but a network trained on photographs takes a patch of unusual colour for an object.
        """
        seen = x[self.window]
        if self.noise is None:
            return seen
        return (soften(luminance(seen)) + DEPTH_NOISE * self.noise).expand(-1, 3, -1, -1)


def random_view(content: Tensor, margin: int, noisy: bool, generator: torch.Generator) -> View:
    """A view at a random place of a canvas.

    Args:
        content: the content on the canvas, (1, 3, h + 2m, w + 2m).
        margin: m, how far the window may move from the middle in each direction, in pixels.
        noisy: whether the depth network's input gets noise.
    """
    down, right = torch.randint(0, 2 * margin + 1, (2,), generator=generator).tolist()
    height, width = crop(content, margin).shape[2:]
    window = ..., slice(down, down + height), slice(right, right + width)
    if not noisy:
        return View(window)
    shape, on_gpu = content[window][:, :1].shape, content.device.type == "cuda"
    noise = torch.randn(shape, generator=generator, pin_memory=on_gpu)
    # Not asynchronous on other devices, where the source could be freed while it is still being copied.
    return View(window, noise.to(content, non_blocking=on_gpu))
