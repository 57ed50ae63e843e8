"""A small LiteRT flatbuffer made by hand: a model with one graph and one buffer of weights."""

from __future__ import annotations

import struct

WEIGHTS = 16


def litert(version: int = 3, graphs: int = 1, length: int = WEIGHTS) -> bytes:
    """Return a file whose one buffer claims `length` bytes and holds 16."""
    layout = struct.pack("<HHHHHHH", 14, 20, 4, 0, 8, 0, 12)  # vtable: version, -, subgraphs, -, buffers
    model_at = 8 + len(layout) + 2
    graphs_at = model_at + 20
    buffers_at = graphs_at + 4 + 4 * graphs
    buffer_layout_at = buffers_at + 8
    buffer_at = buffer_layout_at + 8
    data_at = buffer_at + 8
    model = struct.pack(
        "<iIIII", model_at - 8, version, graphs_at - model_at - 8, buffers_at - model_at - 12, 0
    )
    graph_list = struct.pack("<I", graphs) + b"\0\0\0\0" * graphs
    buffers = struct.pack("<II", 1, buffer_at - buffers_at - 4)
    buffer = struct.pack("<HHHxx", 6, 8, 4) + struct.pack("<iI", 8, 4)
    data = struct.pack("<I", length) + b"w" * WEIGHTS
    made = (
        struct.pack("<I", model_at)
        + b"TFL3"
        + layout
        + b"\0\0"
        + model
        + graph_list
        + buffers
        + buffer
        + data
    )
    assert made.index(b"wwww") == data_at + 4
    return made
