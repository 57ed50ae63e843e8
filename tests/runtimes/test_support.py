"""Libraries' refusals in words for people."""

from __future__ import annotations

from core.runtimes.support import shortened


def test_openvino_is_quoted_without_places_in_its_source() -> None:
    untranslated = """Exception from src/inference/src/cpp/core.cpp:84:
Check 'false' failed at src/frontends/unconverted_ops_report.cpp:151:
FrontEnd API failed with OpConversionFailure:
Model wasn't fully converted. Failed operations detailed log:
-- ReduceMean-18 with a message: something long
Summary:
-- Conversion is failed for: ReduceMean-18, Slice-18
"""
    assert shortened(RuntimeError(untranslated)) == (
        "it has no translation for ReduceMean-18, Slice-18 as this graph uses it."
    )
    refused = "Exception from src/request.cpp:1:\nCheck 'a == b' failed at src/x.cpp:3:\nNo shape fits"
    assert shortened(RuntimeError(refused)) == "No shape fits"
    assert shortened(ValueError()) == "ValueError"
