"""Machine page: processor, instruction sets, memory, runtimes and settings."""

from __future__ import annotations

import streamlit as st

from core import engine
from core.protocols import Availability
from core.registry import packagers
from core.settings import get_settings
from core.views import ClusterView, MachineView, Topics, machine, topic_id, topics
from pages import format as fmt
from pages.routes.hosts import exposed
from pages.widgets.learn_link import learn_name
from pages.widgets.machine.instructions import instruction_sets
from pages.widgets.machine.roofline import roofline_section
from pages.widgets.machine.storage import storage_section
from pages.widgets.machine.toolchains import toolchains


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


def runtimes(view: MachineView) -> None:
    """Draw each runtime, and for a missing one what it would give and the line that installs it."""
    st.subheader("Runtimes", anchor=False)
    for id, name, found in view.runtimes:
        topic = topics().get(topic_id(Topics.RUNTIME, id))
        gives = topic.learn.does if topic is not None and topic.learn is not None else ""
        if found.ok:
            named = learn_name(Topics.RUNTIME, id, name)
            st.markdown(f":green[:material/check_circle:] **{named}** :gray-badge[{found.version}]")
        else:
            _missing(name, found, gives)
    for each in packagers().values():
        found = each.available()
        if not found.ok:
            _missing(each.name, found, "A kind of download.")


def _missing(name: str, found: Availability, gives: str) -> None:
    told = f"  \n:gray[{fmt.plain(gives)}]" if gives else ""
    st.markdown(
        f":orange[:material/block:] **{fmt.plain(name)}** is not here: {fmt.plain(found.reason)}{told}"
    )
    if found.install:
        st.code(found.install, language="bash")


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
    changed = sum(each for _, _, each in view.settings)
    told = f"{changed} of {len(view.settings)} changed"
    with st.expander(f"Settings ({told})", icon=":material/settings:"):
        _settings(view)


def _settings(view: MachineView) -> None:
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
    instruction_sets(found.environment.isa)
    st.space("small")
    confinement(found)
    own_code()
    st.space("small")
    storage_section(get_settings().retention_days)
with right:
    runtimes(found)
    with st.expander("Libraries", icon=":material/inventory_2:"):
        st.table(
            dict(sorted(found.environment.libraries.items())), border="horizontal", alt="Library versions"
        )
    if found.toolchains:
        st.space("small")
        toolchains(found.toolchains)
st.space("small")
roofline_section(found.environment.cores)
st.space("small")
settings(found)
