"""Glossary: each term of the charts and tables in a sentence or two."""

from __future__ import annotations

import streamlit as st

FIGURES = {
    "Latency": "What one call takes, from the runtime's entry to its answer: the median over many calls.",
    "95 % interval": "Where the same measurement, made again, ends in 19 of 20 cases. Narrow is sure.",
    "Speed-up": "Your model's time by the candidate's, taken in turns on the same cores: the fairest figure "
    "here, since whatever slows the machine slows both.",
    "Pace": "A machine is not equally fast all the time. Latencies are stated as if it had been as fast as "
    "at the start of the run, so that they can be compared.",
    "Final heat": "At the end of a run the best candidates and your model are timed once more, in turns with "
    "each other: those that matter are compared directly, and at a second moment.",
    "Unstable": "The interval of the speed-up stayed wide: measure again on a quiet machine. Or the calls "
    "are so long that there were too few of them for the time: give the run more.",
    "Disturbed": "The share of calls that the system interrupted for another program. The median leaves out "
    "what that took, the slow calls show it.",
}
CHOICE = {
    "Pareto front": "The candidates that no other beats in both speed and quality: choose among these.",
    "Tie": "The intervals overlap, so the measurement cannot tell the two apart. A ranking would be chance.",
    "Dominated": "Another candidate is both faster and at least as true to your model.",
    "Sure, likely": "Sure: the whole interval of the loss is within your limit. Likely: only its middle is, "
    "and more samples would tell.",
}
QUALITY = {
    "Accuracy": "Share of the samples that get the right label. The change is paired: only samples that one "
    "of the two models gets right count.",
    "McNemar p": "How often chance alone would flip as many samples one way. Below 0.05 the change is "
    "probably real.",
    "Same answer": "Share of the inputs whose most likely class is that of your model. Needs no labels.",
    "SQNR": "Signal to quantization noise ratio: the power of your model's outputs by the power of the "
    "error. 10 dB more is a tenth of the error's power; 20 dB is 1 % noise, 40 dB is 0.01 %.",
}
TECHNIQUES = {
    "INT8": "Weights and activations in 8 bits: a quarter of the memory traffic, and four times as many "
    "products in one vector instruction, with VNNI summed up in the same instruction. Static takes the "
    "ranges from calibration data before, dynamic from each input, which costs time.",
    "BF16": "Floats of 16 bits with the range of FP32: twice the products in an instruction where the "
    "processor has BF16 units, and hardly any loss.",
    "FP16": "Halves the file. Most processors compute it as FP32, so it gains no time on a CPU.",
    "Pruning": "Channels that matter least are cut out: less work on every runtime, and a loss unless the "
    "network is trained on. Zeroed single weights only make the compressed file smaller.",
}


def glossary() -> None:
    """Draw a button that opens the glossary."""
    with st.popover("What the words mean", icon=":material/school:", type="tertiary", key="words"):
        for title, entries in (
            ("Figures", FIGURES),
            ("Choice", CHOICE),
            ("Quality", QUALITY),
            ("Techniques", TECHNIQUES),
        ):
            st.markdown(f"**{title}**")
            for word, text in entries.items():
                st.markdown(f":blue[{word}]  \n{text}")
