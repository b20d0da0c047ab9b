"""Encoder and decoder bodies, for examples of any shape."""

import keras
import numpy as np
import pytest

import errors
import layers


def test_bodies_are_those_of_the_paper():
    encoder = layers.encoder("conv", (64, 64, 3), 256, (), seed=0)
    decoder = layers.decoder("conv", (64, 64, 3), 256, (), seed=0)
    assert encoder.output_shape == (None, 256)
    assert decoder.output_shape == (None, 64, 64, 3)
    assert decoder.layers[0].units == 1024
    # Nothing is cropped: the last layer is the transposed convolution.
    assert isinstance(decoder.layers[-1], keras.layers.Conv2DTranspose)
    dense = layers.encoder("dense", (28, 28, 1), 64, (512, 256), seed=0)
    shapes = [tuple(weight.shape) for weight in dense.weights[::2]]
    assert shapes == [(784, 512), (512, 256), (256, 64)]


@pytest.mark.parametrize(
    ("body", "shape"),
    [
        ("conv", (28, 28, 1)),
        ("conv", (17, 30, 3)),
        ("dense", (17, 30, 3)),
        ("dense", (2,)),
        ("dense", (4, 5)),
    ],
)
def test_bodies_take_any_shape(body, shape):
    encoder = layers.encoder(body, shape, 3, (5, 4), seed=0)
    decoder = layers.decoder(body, shape, 3, (5, 4), seed=0)
    x = np.random.default_rng(0).normal(size=(2, *shape)).astype(np.float32)
    codes = np.asarray(encoder(x))
    assert codes.shape == (2, 3) and np.abs(codes[0] - codes[1]).max() > 1e-3
    assert decoder(codes).shape == (2, *shape)


def test_a_decoder_keeps_the_centre_of_the_next_size():
    codes = np.random.default_rng(0).normal(size=(2, 3)).astype(np.float32)
    whole = layers.decoder("conv", (32, 32, 3), 3, (), seed=1)
    part = layers.decoder("conv", (17, 30, 3), 3, (), seed=1)
    np.testing.assert_array_equal(part(codes), whole(codes)[:, 7:24, 1:31])


@pytest.mark.parametrize(
    ("body", "shape", "words"),
    [
        ("resnet", (4, 4, 1), "body='resnet' is unknown: known: conv, dense"),
        ("cnv", (4, 4, 1), "did you mean 'conv'"),
        ("conv", (2,), r"does not fit examples of shape \(2,\)"),
        ("conv", (4, 5), "take body='dense'"),
    ],
)
@pytest.mark.parametrize("make", [layers.encoder, layers.decoder])
def test_a_body_that_does_not_fit_gets_one_line(make, body, shape, words):
    with pytest.raises(errors.InputError, match=words) as caught:
        make(body, shape, 3, (4,), seed=0)
    assert "\n" not in str(caught.value)
