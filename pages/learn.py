"""Learn page: each technique, runtime and format in short, beside the person's own measured figures."""

from __future__ import annotations

import streamlit as st

from core.domain.learn import Picture
from core.domain.technique import Kind
from core.views import Seen, Topic, Topics, own_figures, topics
from pages import format as fmt
from pages.figures import palette, picture_figure
from pages.widgets.glossary import terms
from pages.widgets.learn_link import PAGE, TOPIC
from pages.widgets.page import dark, go, store
from pages.widgets.plot import CONFIG
from pages.widgets.table import height_of

GROUPS = {
    Kind.QUANTIZATION: "Quantization",
    Kind.PRUNING: "Pruning",
    Kind.FACTORIZATION: "Factorization",
    Kind.TRAINING: "Training",
    Kind.CONVERSION: "Conversion",
}
OTHERS = {Topics.RUNTIME: "Runtimes", Topics.FORMAT: "Formats"}
FEW_RUNS = 8


def grouped() -> dict[str, list[Topic]]:
    """Return all topics under the names of their groups."""
    found: dict[str, list[Topic]] = {name: [] for name in (*GROUPS.values(), *OTHERS.values())}
    for topic in topics().values():
        found[GROUPS[topic.technique] if topic.technique else OTHERS[topic.kind]].append(topic)
    return found


def overview() -> None:
    """Draw all topics as links, and the glossary."""
    st.markdown("## Learn", anchors=False)
    st.markdown("What each technique, runtime and format does, what it costs and when to choose it.")
    techniques, others, glossary = st.tabs(["Techniques", "Runtimes and formats", "Glossary"])
    for name, members in grouped().items():
        with others if name in OTHERS.values() else techniques:
            st.subheader(name, anchor=False)
            cards(members)
    with glossary:
        terms(st.columns(2, gap="large"))


def cards(members: list[Topic]) -> None:
    """Draw topics as links, each with what it is in a sentence."""
    with st.grid(4, min_column_width=240):
        for topic in members:
            with st.container(border=True, gap="xsmall", height="stretch"):
                st.page_link(PAGE, label=f"**{topic.name}**", query_params={TOPIC: topic.id})
                short = topic.summary or (topic.learn.does if topic.learn else "")
                st.caption(fmt.plain(short))


def picture(topic: Topic) -> None:
    """Draw the picture of a topic, with what it shows."""
    shown = topic.learn.picture if topic.learn else Picture.CHAIN
    figure, told = picture_figure(shown, topic.chain, palette(dark()))
    st.plotly_chart(figure, theme=None, config={**CONFIG, "staticPlot": True}, key="picture", alt=told)
    st.caption(fmt.plain(told))


def own(topic: Topic) -> None:
    """Draw what was measured here, beside the rule of thumb."""
    rule, here = st.columns(2, gap="large")
    with rule, st.container(border=True, height="stretch"):
        st.markdown("**Rule of thumb**")
        st.markdown(fmt.plain(topic.learn.expect) if topic.learn else fmt.NONE)
    seen = own_figures(store(), topic.id) if topic.kind is not Topics.FORMAT else ()
    with here, st.container(border=True, height="stretch"):
        st.markdown("**Here, measured**")
        st.markdown(fmt.plain(in_short(seen)) if seen else _nothing(topic))
    if seen:
        table(seen)


def _nothing(topic: Topic) -> str:
    if topic.kind is Topics.FORMAT:
        return "A format is not timed: see the runtimes that open it."
    return "Nothing yet: no candidate of your runs used it."


def in_short(seen: tuple[Seen, ...]) -> str:
    """Return such as ``3 runs: 2.9–11x, −0.2…0.0 points, 26 % of the file``."""
    speeds = [each.speedup.value for each in seen]
    parts = [_range([f"{min(speeds):.2g}", f"{max(speeds):.2g}"], "–") + "x"]
    for step in dict.fromkeys(each.step for each in seen if each.change is not None):
        changes = [each.change for each in seen if each.change is not None and each.step == step]
        ends = [
            fmt.signed(each) if step == "points" else f"{each:+.3g}" for each in (min(changes), max(changes))
        ]
        parts.append(f"{_range(ends, '…')} {step}".strip())
    sizes = [each.size for each in seen if each.size is not None]
    if sizes:
        parts.append(
            _range([f"{100 * min(sizes):.0f}", f"{100 * max(sizes):.0f}"], "–") + " % of the file size"
        )
    return f"{fmt.plural(len(seen), 'run')}: {', '.join(parts)}. The fastest candidate of each run counts."


def _range(ends: list[str], between: str) -> str:
    return ends[0] if ends[0] == ends[1] else between.join(ends)


def table(seen: tuple[Seen, ...]) -> None:
    """Draw the candidates that the figures are of; a click opens one."""
    shown = seen[:FEW_RUNS]
    rows = {
        "Candidate": [each.name for each in shown],
        "Run": [each.run_name for each in shown],
        "Speed-up": [fmt.times(each.speedup) for each in shown],
        "Change": [
            fmt.NONE if each.change is None else f"{fmt.signed(each.change)} {each.step}".strip()
            for each in shown
        ],
        "File": [fmt.NONE if each.size is None else f"{100 * each.size:.0f} %" for each in shown],
    }
    picked = st.dataframe(
        rows,
        hide_index=True,
        height=height_of(len(shown)),
        on_select="rerun",
        selection_mode="single-row",
        key="seen",
        alt="Measured here",
    )
    st.caption("Select a row to open the candidate. Recipes may hold further techniques, as their names say.")
    if picked["selection"]["rows"]:
        go("candidate.py", candidate=shown[picked["selection"]["rows"][0]].candidate_id)


def show(topic: Topic) -> None:
    """Draw the page of a topic."""
    st.page_link(
        PAGE, label="All techniques, runtimes and formats", icon=":material/arrow_back:", query_params={}
    )
    group = GROUPS[topic.technique] if topic.technique else OTHERS[topic.kind].removesuffix("s")
    st.markdown(f"## {fmt.plain(topic.name)} :gray-badge[{group}]", anchors=False)
    if topic.summary:
        st.markdown(fmt.plain(topic.summary))
    left, right = st.columns([5, 4], gap="large")
    with left:
        if topic.learn is None:
            st.info("This extension brings no text of its own.", icon=":material/info:")
        else:
            for title, text in (
                ("What it does", topic.learn.does),
                ("What it costs", topic.learn.costs),
                ("When to choose it", topic.learn.choose),
            ):
                st.markdown(f"**{title}**  \n{fmt.plain(text)}")
    with right:
        picture(topic)
    own(topic)


chosen = topics().get(st.query_params.get(TOPIC, ""))
if chosen is None:
    overview()
else:
    show(chosen)
