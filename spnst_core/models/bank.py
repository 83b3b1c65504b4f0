"""A bank of filters: one layer of the embedded encoder."""

import torch.nn.functional as F
from torch import Tensor, nn

from spnst_core.models.few_channels import conv_of_few_channels

FEW = 3
"""Channels, those of a picture, for which the gradient has a way of its own."""

GAIN = 2**0.5
"""Of the filters, which restores the power that rectifying takes: so responses needn't be gone through once more."""


class Bank(nn.Conv2d):
    """Filters as they were learned; they respond with a gain of √2."""

    @property
    def filters(self) -> Tensor:
        """(C, c, k, k), gain included, not differentiated."""
        return GAIN * self.weight.detach()

    @property
    def offsets(self) -> Tensor | None:
        """(C,), gain included, not differentiated."""
        return None if self.bias is None else GAIN * self.bias.detach()

    def forward(self, x: Tensor) -> Tensor:
        """(N, c, H, W) → (N, C, H − k + 1, W − k + 1), not rectified, differentiable in x alone."""
        conv = conv_of_few_channels if self.in_channels <= FEW else F.conv2d
        return conv(x, self.filters, self.offsets)
