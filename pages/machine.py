"""Machine page: processor, instruction sets, memory, runtimes and settings."""

from __future__ import annotations

import streamlit as st

from core import engine
from core.toolchains.environments import State
from core.views import ClusterView, MachineView, machine
from pages import format as fmt
from pages.routes.hosts import exposed

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
MISSING = {
    "avx512_vnni": "Without VNNI, INT8 saves memory but little time.",
    "avx512_bf16": "Without BF16 instructions, BF16 is computed as FP32.",
}


def computer(view: MachineView) -> None:
    """Draw the processor and what it can do."""
    here = view.environment
    st.markdown(f"## {here.cpu}", anchors=False)
    with st.grid(4, min_column_width=150):
        st.metric("Cores", str(here.cores), help="That this process may use.")
        st.metric("Memory", fmt.size(here.memory_bytes))
        st.metric(
            "Frequency governor",
            here.governor or "hidden",
            help="Should be “performance” for steady figures. Virtual machines hide it.",
        )
        st.metric("Load", f"{here.load_before:.2f}", help="One-minute average; near 0 is best for measuring.")
    st.caption(f"{here.os} · Python {here.python}")


def instruction_sets(view: MachineView) -> None:
    """Draw each instruction set with what it means for inference."""
    st.subheader("Instruction sets", anchor=False)
    have = view.environment.isa
    for name in have:
        st.markdown(f":green[:material/check_circle:] `{name}`  {SETS.get(name, 'Known to the runtimes.')}")
    x86 = any(name.startswith(("avx", "amx", "fma")) for name in have)
    for name, text in MISSING.items():
        fills_in = name == "avx512_vnni" and "avx_vnni" in have
        if x86 and name not in have and not fills_in:
            st.markdown(f":orange[:material/block:] `{name}`  {text}")


def runtimes(view: MachineView) -> None:
    """Draw each runtime, and for a missing one the line that installs it."""
    st.subheader("Runtimes", anchor=False)
    for _, name, found in view.runtimes:
        if found.ok:
            st.markdown(f":green[:material/check_circle:] **{name}** :gray-badge[{found.version}]")
        else:
            st.markdown(f":orange[:material/block:] **{name}**  \n:gray[{found.reason}]")
            if found.install:
                st.code(found.install, language="bash")


def toolchains(view: MachineView) -> None:
    """Draw each toolchain, and for one that is not ready the line that makes it."""
    st.subheader("Toolchains", anchor=False)
    st.caption("Libraries that clash with the runtimes' own, each kind in an environment of its own.")
    for each, state in view.toolchains:
        ready = state is State.READY
        icon = ":green[:material/check_circle:]" if ready else ":gray[:material/download:]"
        about = f"{fmt.plain(each.summary)} ({each.size_gb:g} GB)"
        st.markdown(f"{icon} **{fmt.plain(each.name)}** :gray-badge[{state}]  \n:gray[{about}]")
        if not ready:
            st.code(f"whetstone doctor --install {each.id}", language="bash")


def confinement(view: MachineView) -> None:
    """Draw how uploads are closed in."""
    st.subheader("Uploads", anchor=False)
    offer = view.confinement
    if offer.available:
        st.success(
            f"**Uploaded files are opened only in confined processes.** {offer.reason}",
            icon=":material/lock:",
        )
    else:
        hint = "Switch on WHETSTONE_TRUST_UPLOADS=true only if you trust every file that is uploaded."
        st.warning(
            f"**Uploads cannot be confined here.** {offer.reason}\n\n{hint}", icon=":material/lock_open:"
        )


def own_code() -> None:
    """Say whether models may bring the Python that defines them."""
    if engine.own_code_allowed(exposed()):
        st.caption("A model's own code is taken, and run once in a confined process to export the model.")
    else:
        st.caption("A model's own code is not taken here; WHETSTONE_OWN_CODE=on takes it.")


def readable(name: str, value: str) -> str:
    """Return a setting's value for people."""
    if name.endswith("_BYTES") and value.isdigit():
        return f"{int(value):,} ({fmt.size(int(value))})"
    if name.endswith("_S"):
        return f"{float(value):g} s"
    if name.endswith("_DAYS"):
        return fmt.plural(int(value), "day") if int(value) else "0 (keeps everything)"
    return {"True": "yes", "False": "no", "": fmt.NONE}.get(value, value)


def cluster(view: ClusterView) -> None:
    """Draw the nodes of the cluster, or what is missing to reach it."""
    st.subheader("Cluster nodes", anchor=False)
    if view.missing:
        st.warning(f"{fmt.plain(view.missing)} {fmt.plain(view.hint)}", icon=":material/lan:")
        return
    st.dataframe(
        {
            "Node": [node.name for node in view.nodes],
            "Processor": [node.cpu or fmt.NONE for node in view.nodes],
            "Cores": [node.cores for node in view.nodes],
            "GPUs": [node.gpus for node in view.nodes],
            "Instruction sets": [", ".join(node.isa) or fmt.NONE for node in view.nodes],
            "Now": [node.busy or ("free" if node.ready else "takes no work") for node in view.nodes],
        },
        hide_index=True,
        height="content",
        alt="Nodes of the cluster",
    )
    st.caption("A node takes work once it declares what it is, see docs/cluster.md.")


def settings(view: MachineView) -> None:
    """Draw the settings as environment variables."""
    st.subheader("Settings", anchor=False)
    st.dataframe(
        {
            "Environment variable": [name for name, _, _ in view.settings],
            "Value": [readable(name, value) for name, value, _ in view.settings],
            "Changed": [changed for _, _, changed in view.settings],
        },
        hide_index=True,
        column_config={
            "Changed": st.column_config.CheckboxColumn("Changed", help="Differs from the default.")
        },
        height="content",
        alt="Settings",
    )
    st.caption("Set them where the server starts, such as WHETSTONE_RETENTION_DAYS=30 whetstone serve.")


found = machine()
computer(found)
st.space("small")
if found.cluster is not None:
    cluster(found.cluster)
    st.space("small")
left, right = st.columns(2, gap="large")
with left:
    instruction_sets(found)
    st.space("small")
    confinement(found)
    own_code()
with right:
    runtimes(found)
    with st.expander("Libraries", icon=":material/inventory_2:"):
        st.table(
            dict(sorted(found.environment.libraries.items())), border="horizontal", alt="Library versions"
        )
    if found.toolchains:
        st.space("small")
        toolchains(found)
st.space("small")
settings(found)
