from __future__ import annotations

from pages.figures.labels import LETTER, LINE, Spot, place


def boxes(
    spots: list[Spot], width: float = 700, height: float = 360
) -> list[tuple[float, float, float, float]]:
    named = [spot for spot in spots if spot.name]
    found = []
    for spot, label in zip(named, place(spots, width, height), strict=True):
        wide = LETTER * len(label.name)
        left = spot.x + label.xshift - (0 if label.xanchor == "left" else wide)
        found.append((left, spot.y + label.yshift - LINE / 2, left + wide, spot.y + label.yshift + LINE / 2))
    return found


def overlap(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def test_names_of_close_points_do_not_cover_each_other() -> None:
    spots = [Spot(100 + 9 * i, 200 + 4 * i, 10, f"INT8 static {i} · OpenVINO") for i in range(4)]
    found = boxes(spots)
    assert not any(overlap(a, b) for i, a in enumerate(found) for b in found[i + 1 :])


def test_a_name_at_the_right_edge_goes_to_the_left() -> None:
    (box,) = boxes([Spot(690, 100, 10, "FP32 · PyTorch eager")])
    assert box[2] <= 700


def test_a_name_keeps_clear_of_points_without_a_name() -> None:
    spots = [Spot(300, 100, 10, "INT8"), Spot(325, 100, 14)]
    (box,) = boxes(spots)
    assert not overlap(box, (311, 86, 339, 114))
