"""What the instruction sets of this machine mean for each precision, and the sets themselves."""

from __future__ import annotations

from collections.abc import Collection

import streamlit as st

SETS = {
    "avx": "256-bit vectors for floats.",
    "avx512bw": "512-bit vectors of bytes and words, for quantized layers.",
    "avx512vl": "AVX-512's instructions on shorter vectors.",
    "f16c": "Conversion between FP16 and FP32.",
    "avx2": "256-bit vectors: the least that the runtimes' fast kernels want.",
    "avx512f": "512-bit vectors: twice the work of AVX2 per instruction.",
    "avx512_vnni": "INT8 products in one instruction: what makes INT8 several times faster than FP32.",
    "avx_vnni": "INT8 products in one instruction, on 256-bit vectors.",
    "avx512_bf16": "BF16 products: twice the work of FP32 with hardly any loss.",
    "avx512_fp16": "FP16 arithmetic in vectors.",
    "amx_int8": "A matrix unit for INT8: many times VNNI's rate on large layers.",
    "amx_bf16": "A matrix unit for BF16.",
    "amx_tile": "Tiles, the registers of the matrix unit.",
    "fma": "Multiply and add in one instruction.",
    "asimd": "128-bit vectors (NEON).",
    "asimddp": "INT8 dot products.",
    "i8mm": "INT8 matrix products.",
    "bf16": "BF16 products.",
    "sve": "Vectors of scalable length.",
}
Meaning = tuple[tuple[str, ...], str, str]
"""Any of these sets, what they are called, and what to expect with them."""
INT8: tuple[Meaning, ...] = (
    (("amx_int8",), "matrix unit (AMX)", "expect 4x over FP32 and more on large layers"),
    (
        ("avx512_vnni", "avx_vnni"),
        "dot products (VNNI)",
        "expect 3 to 4x over FP32 where computing is the limit",
    ),
    (("i8mm",), "matrix products (I8MM)", "expect 4x over FP32 and more where computing is the limit"),
    (("asimddp",), "dot products", "expect 2 to 4x over FP32 where computing is the limit"),
)
BF16: tuple[Meaning, ...] = (
    (("amx_bf16",), "matrix unit (AMX)", "expect 2x over FP32 and much more on large layers"),
    (("avx512_bf16", "bf16"), "dot products", "expect up to 2x over FP32"),
)
FP16: tuple[Meaning, ...] = (
    (("avx512_fp16", "asimdhp"), "vector arithmetic", "expect up to 2x over FP32 where the runtime uses it"),
)
FP32: tuple[Meaning, ...] = (
    (("avx512f",), "512-bit vectors (AVX-512)", "the measure of the others"),
    (("avx2",), "256-bit vectors (AVX2)", "the measure of the others"),
    (("sve", "asimd"), "vectors", "the measure of the others"),
)
WITHOUT = {
    "INT8": "no instructions for it: INT8 saves memory but little time",
    "BF16": "no instructions for it: it is computed as FP32, with half the file",
    "FP16": "no arithmetic in it: it halves the file and is computed as FP32",
    "FP32": "no vectors that the runtimes have fast kernels for",
}


def meaning(have: Collection[str]) -> dict[str, tuple[bool, str]]:
    """Return for each precision whether the processor has instructions for it, and what to expect."""
    found = {}
    for precision, known in {"INT8": INT8, "BF16": BF16, "FP16": FP16, "FP32": FP32}.items():
        fits = (f"{name}: {expect}" for sets, name, expect in known if any(each in have for each in sets))
        said = next(fits, None)
        found[precision] = (said is not None, said or WITHOUT[precision])
    return found


def instruction_sets(have: Collection[str]) -> None:
    """Draw what to expect of each precision, and the sets in an expander."""
    st.subheader("What this processor does well", anchor=False)
    for precision, (there, text) in meaning(have).items():
        icon = ":green[:material/check_circle:]" if there else ":orange[:material/block:]"
        st.markdown(f"{icon} **{precision}** {text}.")
    st.caption("Rules of thumb; a run measures what your model really gains.")
    with st.expander(f"The {len(have)} instruction sets", icon=":material/memory:"):
        for name in have:
            st.markdown(f"`{name}`  {SETS.get(name, 'Known to the runtimes.')}")
