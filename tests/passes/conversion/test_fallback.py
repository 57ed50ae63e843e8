"""A conversion that fell back."""

from __future__ import annotations

from core.passes.conversion.fallback import fallback_findings, fell_back


def test_a_fallback_says_which_way_failed_and_why() -> None:
    (found,) = fallback_findings("ONNX", fell_back("torchscript", ["dynamo: data-dependent branch."]))
    assert found.seen == "ONNX: the conversion fell back to torchscript."
    assert "dynamo: data-dependent branch." in found.why
    assert not list(fallback_findings("ONNX", fell_back("dynamo", [])))
