"""What the compare page shows: axes, scale, colours, and which candidates; all in the address."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from core.insights.judgement import judge
from core.views import Row, RunView
from pages.figures import LEGEND, Role
from pages.widgets.address import ON, number, on_change
from pages.widgets.chart import SCALES, Shown
from pages.widgets.limits import MOST
from pages.widgets.measures import Measure

COLORS: Mapping[str, tuple[str, Callable[[Row], str] | None]] = {
    "state": ("State", None),
    "technique": ("Technique", lambda row: row.technique),
    "runtime": ("Runtime", lambda row: row.runtime),
}
NONE = "Without a result"


def axes(view: RunView, known: Mapping[str, Measure], held: Mapping[str, str]) -> Shown:
    """Draw the choice of axes, scale and colours; return what is chosen."""
    owner = view.run.id
    x = _axis("Across", owner, "axis", known, held, "latency")
    y = _axis("Upwards", owner, "up", known, held, "quality")
    scale = _one("Scale", owner, "scale", SCALES, held, str.capitalize)
    color = _one("Colour by", owner, "color", tuple(COLORS), held, lambda name: COLORS[name][0])
    price_input(owner, held)
    return Shown(x, y, scale, COLORS[color][1])


def price_of(held: Mapping[str, str]) -> float | None:
    """Return the price of the machine for an hour, as the address has it."""
    return number(held.get("price"), 0.0, MOST)


def price_input(owner: str, held: Mapping[str, str]) -> None:
    """Draw the price of the machine, which makes the cost one of the figures."""
    about = on_change(owner, "price", f"{owner}_price", lambda price: f"{price:g}" if price else None)
    st.number_input(
        "Price per hour", 0.0, MOST, price_of(held), step=0.1, width=130,
        placeholder="none",
        help="Of a machine with as many cores as were measured on, in any currency. The cost of a million "
        "inferences becomes one of the figures: it is always busy, at the best measured batch size.",
        **about,
    )  # fmt: skip


def _axis(
    label: str, owner: str, setting: str, known: Mapping[str, Measure], held: Mapping[str, str], usual: str
) -> str:
    names = list(known)
    now = held.get(setting, usual)
    at = names.index(now) if now in known else names.index(usual) if usual in known else 0
    return str(
        st.selectbox(
            label, names, at, format_func=lambda name: known[name].name, width=180,
            **on_change(owner, setting, f"{owner}_{setting}"),
        )
    )  # fmt: skip


def _one(
    label: str, owner: str, setting: str, names: Sequence[str], held: Mapping[str, str],
    told: Callable[[str], str],
) -> str:  # fmt: skip
    now = held.get(setting)
    about = on_change(owner, setting, f"{owner}_{setting}")
    default = now if now in names else names[0]
    return str(st.segmented_control(label, names, default=default, required=True, format_func=told, **about))


def filtered(view: RunView, roles: Mapping[str, Role], held: Mapping[str, str]) -> list[Row]:
    """Draw the filters; return the rows that pass them, the baseline always.

    Args:
        view: The run.
        roles: Of the measured candidates by id.
        held: Settings of the address.
    """
    owner, rows = view.run.id, view.candidates

    def state(row: Row) -> str:
        return LEGEND[roles[row.id]] if row.id in roles else NONE

    tests: Mapping[str, tuple[str, Callable[[Row], str]]] = {
        "techniques": ("Technique", lambda row: row.technique),
        "runtimes": ("Runtime", lambda row: row.runtime),
        "states": ("State", state),
    }
    chosen = {name: [each for each in held.get(name, "").split("|") if each] for name in tests}
    count = sum(map(bool, chosen.values())) + (held.get("within") == ON)
    label = f"Filter ({count})" if count else "Filter"
    with st.popover(label, icon=":material/filter_alt:", key="filter"):
        for name, (title, of) in tests.items():
            options = list(dict.fromkeys(of(row) for row in rows if row.candidate.position))
            about = on_change(owner, name, f"{owner}_{name}", lambda picked: "|".join(picked) or None)
            kept = [each for each in chosen[name] if each in options]
            chosen[name] = st.multiselect(title, options, kept, placeholder="All", **about)
        about = on_change(owner, "within", f"{owner}_within", lambda on: ON if on else None)
        within = st.toggle("Within the limits only", value=held.get("within") == ON, **about)

    def passes(row: Row) -> bool:
        if not row.candidate.position:
            return True
        result = row.candidate.result
        if within and (result is None or not judge(result, view.limits).meets):
            return False
        return all(not chosen[name] or of(row) in chosen[name] for name, (_, of) in tests.items())

    return [row for row in rows if passes(row)]
