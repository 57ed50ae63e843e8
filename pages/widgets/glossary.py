"""Glossary: each term of the charts and tables in a sentence or two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

SPEED = {
    "Latency": "The time of one call of the model, as the median over many calls.",
    "Latency distribution, p90, p99": "How the times of single calls spread: 90 or 99 of 100 calls take less "
    "than p90 or p99.",
    "Speed-up": "The baseline's latency divided by the candidate's, from interleaved rounds.",
    "Interleaved rounds": "Candidate and baseline are timed alternately on the same cores, so that whatever "
    "slows the machine slows both.",
    "95 % confidence interval": "Where the same measurement, made again, ends in 19 of 20 cases.",
    "Drift correction": "Latencies are stated as if the machine had been as fast as at the start of the run, "
    "so that candidates measured at different times can be compared.",
    "Final heat": "At the end of a run the baseline and the best candidates are timed once more, in "
    "interleaved rounds with each other.",
    "A/A control": "The baseline timed against itself: what it misses 1 by is the error of the measurement.",
    "Unstable": "The interval of the speed-up stayed wide, or the time was enough for a few calls only.",
    "Disturbed": "The share of calls that the system interrupted for another program.",
    "Throughput": "Samples per second at a batch size.",
    "Cold start": "The time of the first load of the model in a fresh process.",
    "MACs": "Multiply-accumulates: the multiplications with additions that one forward pass takes.",
}
CHOICE = {
    "Baseline": "Your model as it runs today, on the same threads; everything is measured against it.",
    "Pareto-optimal": "No other candidate is both faster and at least as good: choose among these.",
    "Dominated": "Another candidate is both faster and at least as good.",
    "Tied": "The intervals overlap, so that the measurement cannot tell the two apart.",
    "Max accuracy drop": "How many percentage points of accuracy you would give up for speed.",
    "Sure, likely": "Sure: the whole interval of the loss is within your limit. Likely: only its middle is, "
    "and more samples would tell.",
}
QUALITY = {
    "Accuracy": "Share of the samples that get the right label; its change is paired, sample by sample.",
    "McNemar p": "How often chance alone would flip as many samples one way; below 0.05 the change is "
    "probably real.",
    "Fidelity": "How close the outputs are to the baseline's; it needs no labels and is no accuracy.",
    "Top-1 agreement": "Share of the inputs whose most likely class is the baseline's.",
    "mAP": "Mean average precision of object detection, over classes and overlaps (IoU) from 0.5 to 0.95 "
    "(COCO).",
    "Detection agreement": "Share of the detections that candidate and baseline both have (F1): the same "
    "class, and boxes that overlap by half (IoU). The number of boxes differs, so rows are not compared.",
    "Output error": "The power of the error in percent of the variance of the baseline's outputs from input "
    "to input; the limit is for this.",
    "Explained variance": "100 % minus the output error.",
    "SQNR": "Signal-to-quantization-noise ratio: the power of the baseline's outputs by that of the error, "
    "in decibel. 20 dB is 1 % error, 40 dB is 0.01 %.",
}
NUMBERS = {
    "FP32, BF16, FP16": "Floats of 32 and 16 bits; BF16 has the range of FP32, FP16 more precision and less "
    "range.",
    "INT8": "Integers of 8 bits (INT4: of 4) with a scale: the values of a tensor as multiples of a step.",
    "VNNI, AMX": "Instructions that multiply and add many 8-bit integers at once: without them INT8 saves "
    "memory but little time.",
    "Calibration": "Running the model on sample data to find the ranges of its activations.",
    "Excluded layers": "Layers that stay in floating point because they lose most in 8 bits.",
    "Reduced range": "Weights in 7 of 8 bits, which avoids overflows on processors without VNNI.",
}
TERMS = {"Speed": SPEED, "Choice": CHOICE, "Quality": QUALITY, "Numbers": NUMBERS}


def terms(columns: Sequence[Any]) -> None:
    """Draw all terms, their groups dealt out to `columns`."""
    for at, (title, entries) in enumerate(TERMS.items()):
        with columns[at % len(columns)]:
            st.markdown(f"**{title}**")
            for term, text in entries.items():
                st.markdown(f":blue[{term}]  \n{text}")


def glossary() -> None:
    """Draw a button that opens the glossary, which leads to the pages on techniques."""
    with st.popover("Glossary", icon=":material/school:", type="tertiary", key="glossary"):
        st.page_link("learn.py", label="Techniques, runtimes and formats", icon=":material/school:")
        terms((st.container(),))
