from __future__ import annotations

from core.domain.structure import Layer, Structure
from core.views.graph import TOP, WIDEST, drawing, graph_view


def layer(name: str, *module: str, inputs: tuple[int, ...] = ()) -> Layer:
    return Layer(name, "Conv", module, (1, 4), 10, 100, inputs)


def test_layers_lie_in_their_modules_and_a_module_around_one_part_is_joined_with_it() -> None:
    made = graph_view(
        Structure((layer("a", "net", "stem"), layer("b", "net", "body"), layer("c", "net", "body")))
    )
    names = [(each.name, each.parent) for each in made.modules]
    assert names == [("net", TOP), ("body", 0)]
    assert made.inside == (0, 1, 1)
    assert made.names == ("stem: a", "b", "c")
    joined = graph_view(Structure((layer("a", "x", "y", "z"), layer("b", "x", "y", "z"), layer("c"))))
    assert [each.name for each in joined.modules] == ["x.y.z"]


def test_no_group_is_wider_than_can_be_drawn_and_nothing_is_lost() -> None:
    made = graph_view(Structure(tuple(layer(str(at), inputs=(at - 1,) if at else ()) for at in range(5000))))
    held = [TOP, *(each for each in range(len(made.modules)))]
    parents = [each.parent for each in made.modules] + list(made.inside)
    assert max(parents.count(each) for each in held) <= WIDEST
    assert all(each.parent < at for at, each in enumerate(made.modules))
    assert made.modules[0].name.startswith("layers ")
    assert len(made.inside) == 5000
    assert TOP not in made.inside


def test_the_drawing_holds_every_measure_that_there_is() -> None:
    view = graph_view(Structure((layer("a"), Layer("b", "Relu"))))
    plain = drawing(view, {"a": 0.25})
    assert plain["measures"] == [("parameters", ""), ("MACs", ""), ("time", "ms")]
    assert plain["layers"] == [
        ("a", "Conv", TOP, "1 × 4", (), 10, 100, 0.25),
        ("b", "Relu", TOP, "", (), 0, 0, 0.0),
    ]
