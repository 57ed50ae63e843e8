"""Libraries' refusals in words for people."""

from __future__ import annotations

import zipfile

import pytest

from core.complaints import LONGEST, complaint

PLACE = "/src/core/model.h:46 void ns::Check(const std::map<int, int>&, int) "


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("The following failed.\nTraceback\n  File\nbuiltins.ValueError: wants 3 values\n", "wants 3 values"),
        ("[enforce fail at inline_container.cc:339] . no folder: x.", "no folder: x"),
        (
            "Unknown opcode for unpickling at 0xffffffffffffff80: 128",
            "Unknown opcode for unpickling: 128",
        ),
    ],
)
def test_pytorch_is_quoted_without_places_in_its_source(said: str, told: str) -> None:
    assert complaint(said) == told


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (f"Load model from /tmp/x/m.onnx failed:{PLACE}Opset 40 is too new.\n", "Opset 40 is too new"),
        (
            f"Non-zero status code returned while running Add node. {PLACE}32 by 128",
            "Add node. 32 by 128",
        ),
        ("tensors.cc:15 CheckSize Initializer 'w': too small", "Initializer 'w': too small"),
    ],
)
def test_onnx_runtime_is_quoted_without_places_in_its_source(said: str, told: str) -> None:
    assert complaint(f"[ONNXRuntimeError] : 1 : FAIL : {said}") == told


def test_openvino_is_quoted_without_places_in_its_source() -> None:
    untranslated = """Exception from src/inference/src/cpp/core.cpp:84:
Check 'false' failed at src/frontends/unconverted_ops_report.cpp:151:
FrontEnd API failed with OpConversionFailure:
Model wasn't fully converted. Failed operations detailed log:
-- ReduceMean-18 with a message: something long
Summary:
-- Conversion is failed for: ReduceMean-18, Slice-18
"""
    assert complaint(RuntimeError(untranslated)) == (
        "OpenVINO has no translation for ReduceMean-18, Slice-18 as this graph uses it"
    )
    unknown = untranslated + "-- No conversion rule found for operations: com.microsoft.QGemm\n\n"
    assert complaint(RuntimeError(unknown)) == (
        "OpenVINO has no translation for ReduceMean-18, Slice-18, com.microsoft.QGemm as this graph uses it"
    )
    refused = "Exception from src/request.cpp:1:\nCheck 'a == b' failed at src/x.cpp:3:\nNo shape fits"
    assert complaint(RuntimeError(refused)) == "No shape fits"


def test_archives_and_pictures_are_quoted_without_their_bytes() -> None:
    names = "File name in directory 'a.npy' and header b'b\\x01' differ."
    assert (
        complaint(zipfile.BadZipFile(names)) == "File name in directory 'a.npy' differs from the entry's own"
    )
    assert complaint(ValueError("malformed: <ast.Name object at 0x7f50>")) == "malformed: other content"
    assert complaint(ValueError("no image <_io.BytesIO object at 0x7f0e>")) == "no image other content"


def test_where_the_sum_comes_last_it_is_taken_with_its_head() -> None:
    assert complaint("Quantization failed.\nNo node was found for the statistics", last=True) == (
        "No node was found for the statistics"
    )
    assert complaint("The reason is\n'conv_1'", last=True) == "The reason is 'conv_1'"


def test_complaints_are_short_and_never_empty() -> None:
    assert len(complaint(ValueError("x" * 9999))) == LONGEST
    assert complaint(ValueError(f"It is so. {'x' * 9999}")) == "It is so"
    assert complaint(EOFError()) == "EOFError"
    assert complaint(KeyError()) == "KeyError"


def test_a_kernel_that_onnx_runtime_lacks_for_double_precision() -> None:
    said = "[ONNXRuntimeError] : 9 : NOT_IMPLEMENTED : Could not find an implementation for Conv(11) node ''"
    assert complaint(said) == "ONNX Runtime has no Conv of opset 11 for the number types that it takes here"
