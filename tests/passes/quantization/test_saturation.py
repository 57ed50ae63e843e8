"""Sums of 16 bits, against the same integers added one by one."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from core.passes.quantization.saturation import without_vnni
from core.protocols import Array

RNG = np.random.default_rng(0)
STEP, SCALE = 0.05, np.array([0.01, 0.02, 0.005, 0.03], np.float32)


def quantized(x: Any, zero: int, signed: bool = False) -> Any:
    low, high = (-128 * STEP, 127 * STEP) if signed else (-zero * STEP, (255 - zero) * STEP)
    ends = [np.float32(low), np.float32(high)] * 2
    return ops.fake_quantize(x, *ends, 256)


def scaled(weight: Array, scale: Array) -> Any:
    return ops.multiply(ops.convert(ops.constant(weight), "f32"), scale)


def answer(model: Any, x: Array) -> Array:
    compiled = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found: Array = compiled(x)[0]
    return found


def added_in_16_bits(a: Array, w: Array) -> int:
    """Return the sum of products as ``vpmaddubsw`` makes it; neighbours lie along the last axis."""
    a, w = (np.pad(each, [(0, 0)] * (each.ndim - 1) + [(0, each.shape[-1] % 2)]) for each in (a, w))
    products = a.astype(np.int64) * w.astype(np.int64)
    pairs = products[..., 0::2] + products[..., 1::2]
    return int(np.clip(pairs, -32768, 32767).sum())


@pytest.mark.parametrize(
    ("inputs", "groups", "zero", "stride", "dilation"),
    [(6, 1, 0, 1, 1), (5, 1, 3, 2, 1), (8, 2, 0, 1, 2), (3, 1, 7, 1, 1)],
)
def test_a_convolution_saturates_as_its_integers_do(
    inputs: int, groups: int, zero: int, stride: int, dilation: int
) -> None:
    each, size, pad = inputs // groups, 7, 1
    weight = RNG.integers(-127, 128, (4, each, 3, 3), np.int8)
    values = RNG.integers(0, 256, (2, inputs, size, size))
    x = ops.parameter([-1, inputs, size, size], np.float32)
    settings = ([stride] * 2, [pad] * 2, [pad] * 2, [dilation] * 2)
    if groups == 1:
        layer = ops.convolution(quantized(x, zero), scaled(weight, SCALE[:, None, None, None]), *settings)
    else:
        grouped, scales = (
            part.reshape(groups, 4 // groups, *part.shape[1:])
            for part in (weight, SCALE[:, None, None, None])
        )
        layer = ops.group_convolution(quantized(x, zero), scaled(grouped, scales), *settings)
    emulated = without_vnni(ov.Model([layer], [x]))
    assert (emulated.layers, emulated.of) == (1, 1)
    found = answer(emulated.model, ((values - zero) * STEP).astype(np.float32))

    padded = np.pad(values, ((0, 0), (0, 0), (pad, pad), (pad, pad)), constant_values=zero)
    expected = np.zeros(found.shape)
    cut = 0
    for row, out, i, j in product(*map(range, found.shape)):
        group = out // (4 // groups)
        reach = slice(i * stride, i * stride + 2 * dilation + 1, dilation)
        across = slice(j * stride, j * stride + 2 * dilation + 1, dilation)
        seen = padded[row, group * each : (group + 1) * each, reach, across].transpose(1, 2, 0)
        w = weight[out].transpose(1, 2, 0)
        total = added_in_16_bits(seen, w)
        cut += total != (seen * w.astype(int)).sum()
        expected[row, out, i, j] = (total - zero * int(w.astype(int).sum())) * STEP * SCALE[out]
    assert cut > expected.size / 20, "the test saturates nothing"
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize("transposed", [True, False])
def test_a_product_saturates_as_its_integers_do(transposed: bool) -> None:
    weight, values = RNG.integers(-127, 128, (4, 7), np.int8), RNG.integers(0, 256, (3, 7))
    x = ops.parameter([-1, 7], np.float32)
    held = scaled(weight, SCALE[:, None]) if transposed else scaled(weight.T.copy(), SCALE)
    emulated = without_vnni(ov.Model([ops.matmul(quantized(x, 0), held, False, transposed)], [x]))
    expected = [[added_in_16_bits(a, w) for w in weight] for a in values] * SCALE * STEP
    found = answer(emulated.model, (values * STEP).astype(np.float32))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize(("largest", "signed"), [(63, False), (127, True)])
def test_half_the_range_and_signed_activations_never_saturate(largest: int, signed: bool) -> None:
    weight = RNG.integers(-largest, largest + 1, (4, 8, 1, 1), np.int8)
    x = ops.parameter([-1, 8, 2, 2], np.float32)
    layer = ops.convolution(
        quantized(x, 0, signed), scaled(weight, SCALE[:, None, None, None]), [1, 1], [0, 0], [0, 0], [1, 1]
    )
    emulated = without_vnni(ov.Model([layer], [x]))
    assert emulated.model is None
    assert (emulated.layers, emulated.of) == (0, 0 if signed else 1)
