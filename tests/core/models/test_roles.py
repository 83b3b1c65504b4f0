"""Roles: what an encoder says of itself is what it does."""

import pytest
import torch

from spnst_core.models.embedded.encoder import EmbeddedEncoder
from spnst_core.models.roles import smallest_side
from spnst_core.models.vgg import VGG19Encoder
from spnst_core.models.vgg16 import VGG16Encoder


@pytest.mark.parametrize(
    ("encoder", "layers", "least"),
    [
        (EmbeddedEncoder, ["colour", "bank1"], 3),
        (EmbeddedEncoder, ["bank1", "bank2"], 3),
        (EmbeddedEncoder, ["sketch", "bank3"], 5),
        (VGG16Encoder, ["relu1_1"], 1),
        (VGG16Encoder, ["relu1_1", "relu4_2"], 8),
        (VGG19Encoder, ["relu1_2", "relu3_1"], 4),
        (VGG19Encoder, ["pool2"], 4),
    ],
)
@torch.no_grad()
def test_the_smallest_side_is_the_first_that_works(encoder, layers, least):
    network = encoder().eval()
    assert smallest_side(network, layers) == least
    assert network.features(torch.rand(1, 3, least, 40), layers).keys() == set(layers)
    assert network.features(torch.rand(1, 3, 40, least), layers).keys() == set(layers)
    if least > 1:
        with pytest.raises((ValueError, RuntimeError)):
            network.features(torch.rand(1, 3, least - 1, 40), layers)


def test_one_that_does_not_say_takes_any():
    assert smallest_side(object(), ["layer"]) == 1
