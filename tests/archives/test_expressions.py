from __future__ import annotations

import pytest

from core.archives.expressions import is_arithmetic, is_safe_target


@pytest.mark.parametrize(
    "text",
    [
        "s77",
        "2*s0 + 1",
        "Max(1, u0)",
        "Mul(Integer(2), FloorDiv(Symbol('s77', positive=True, integer=True), Integer(2)))",
        "2*(L['x'].size()[0] // 2) <= L['y'].size()[0] + L['x'].size()[0]",
        "s0 < 5",
        "-9223372036854775808",
    ],
)
def test_arithmetic(text: str) -> None:
    assert is_arithmetic(text)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('id')",
        "open('/tmp/x', 'w')",
        "S('__import__(\"os\")')",
        "Symbol.__class__",
        "().__class__.__bases__[0].__subclasses__()",
        "[x for x in (1,)]",
        "(lambda: 1)()",
        "f'{x}'",
        "L['x'].save('y')",
        "exec('x')",
        "breakpoint()",
        "1; 2",
        "x = 1",
        "(" * 5000 + ")" * 5000,
        "",
    ],
)
def test_not_arithmetic(text: str) -> None:
    assert not is_arithmetic(text)


@pytest.mark.parametrize(
    "target",
    [
        *("torch.ops.aten.add.Tensor", "torch.ops.aten.__and__.Scalar", "torch.ops.higher_order.cond"),
        *("_operator.floordiv", "torch.sym_max", "torch._sym_sqrt", "math.trunc", "conv_weight"),
        *("torch.ops.quantized_decomposed.quantize_per_tensor.default", "torchvision_nms"),
    ],
)
def test_operators(target: str) -> None:
    assert is_safe_target(target)
