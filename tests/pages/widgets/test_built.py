from __future__ import annotations

from pages.widgets.candidate.built import built


def test_details_are_told_with_units_and_what_they_were_before() -> None:
    details = {
        "parameters_before": 440_426, "parameters": 221_234, "quantized": 32, "float": 1, "samples": 64,
        "difference": 4e-7, "exporter": "dynamo", "fixed": {"sr": 16000}, "opset": 18, "opset_before": 18,
        "way": "script", "complete": False, "widths": [[32, 16]],
    }  # fmt: skip
    assert built(details) == [
        "quantized layers **32 of 33**",
        "parameters **440 k → 221 k**",
        "ONNX operator set **18**",
        "calibrated on **64 samples**",
        "exporter **torch.export**",
        "inputs held fixed **sr = 16000**",
        "outputs differ by at most **under 0.01 %** of their range",
    ]


def test_details_of_strange_kinds_are_left_out() -> None:
    assert built({"quantized": True, "samples": "[x](http://evil)" * 9, "parameters": "many"}) == []
    assert built({"difference": float("inf"), "rows": [6000, 400]}) == []
    assert built({"difference": 0.0, "float": 3, "quantized": 0}) == ["outputs **the same**"]
