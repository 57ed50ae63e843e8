from __future__ import annotations

from collections import OrderedDict

import pytest

from core.architectures import build, identify, load, unwrap
from core.architectures.catalogue import Architecture
from core.architectures.loading import built
from core.architectures.shape_table import entries
from core.errors import UnsupportedModel
from tests.architectures.conftest import Shapes, filled

TAKEN_INSTEAD = {"fasterrcnn_mobilenet_v3_large_fpn": "fasterrcnn_mobilenet_v3_large_320_fpn"}
"""Equal keys and shapes; both are refused."""


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: f"{entry.name}-{entry.options}")
def test_every_network_is_identified_or_refused(entry) -> None:  # type: ignore[no-untyped-def]
    shapes = filled(entry)
    if entry.more["refused"]:
        name = TAKEN_INSTEAD.get(entry.name, entry.name)
        with pytest.raises(UnsupportedModel, match=f"torchvision's {name}, which Whetstone cannot work with"):
            identify(shapes)
        return
    found = identify(shapes)
    assert (found.name, found.classes, found.input_shape[0]) == (entry.name, 7, 3)
    assert found == identify(shapes, entry.name)


def test_every_registered_builder_can_be_named_and_is_in_the_table() -> None:
    from torchvision import models

    known = {entry.name for entry in entries()}
    for name in models.list_models():
        assert name.removeprefix("quantized_") in known, name


@pytest.mark.parametrize(("side", "patches"), [(224, 196), (384, 576), (512, 1024)])
def test_a_vision_transformer_tells_its_image_size(side: int, patches: int) -> None:
    (entry,) = (entry for entry in entries() if entry.name == "vit_b_16")
    found = identify(filled(entry, P=patches + 1))
    assert found.input_shape == (3, side, side)
    assert found.config["options"]["image_size"] == side


def test_a_vision_transformer_with_odd_positions_is_refused() -> None:
    (entry,) = (entry for entry in entries() if entry.name == "vit_b_16")
    with pytest.raises(UnsupportedModel, match="vit_b_16"):
        identify(filled(entry, P=100))


def test_heads_that_contradict_each_other_do_not_fit(zoo: dict[str, Shapes]) -> None:
    shapes = dict(zoo["resnet18"]) | {"fc.bias": (9,)}
    with pytest.raises(UnsupportedModel, match="resnet18"):
        identify(shapes)


def test_old_densenet_and_transformer_keys_are_understood(zoo: dict[str, Shapes]) -> None:
    dense = {
        k.replace(".norm1.", ".norm.1.").replace(".conv2.", ".conv.2."): v
        for k, v in zoo["densenet121"].items()
    }
    vit = {
        k.replace("mlp.0.", "mlp.linear_1.").replace("mlp.3.", "mlp.linear_2."): v
        for k, v in zoo["vit_b_32"].items()
    }
    assert dense.keys() != zoo["densenet121"].keys()
    assert vit.keys() != zoo["vit_b_32"].keys()
    assert (identify(dense).name, identify(vit).name) == ("densenet121", "vit_b_32")


def test_what_shapes_cannot_tell_is_said(zoo: dict[str, Shapes]) -> None:
    plain = identify(zoo["inception_v3"])
    named = identify(zoo["inception_v3"], "inception_v3_transform_input")
    assert any("renormalised" in note for note in plain.notes)
    assert plain.config["options"] == {"aux_logits": True}
    assert named.config["options"]["transform_input"] is True


@pytest.mark.parametrize(
    ("name", "classes", "channels"),
    [("resnet18", 5, 1), ("mobilenet_v3_small", 3, 3), ("mnasnet0_5", 2, 4), ("shufflenet_v2_x0_5", 11, 3)],
)
def test_weights_of_a_changed_network_load_and_compute_the_same(
    name: str, classes: int, channels: int
) -> None:
    import torch
    from torchvision import models

    torch.manual_seed(0)
    own = models.get_model(name, num_classes=classes)
    if channels != 3:
        _change_channels(own, channels)
    own.eval()
    state = unwrap({"state_dict": OrderedDict(("module." + k, v) for k, v in own.state_dict().items())})
    found = identify(_shapes(state))
    assert (found.name, found.classes, found.input_shape) == (name, classes, (channels, 224, 224))
    images = torch.randn(2, channels, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(load(found, state)(images), own(images))


def test_auxiliary_heads_of_another_class_count_load() -> None:
    import torch
    from torchvision import models

    own = models.googlenet(num_classes=1000, aux_logits=True, init_weights=False)
    own.fc = torch.nn.Linear(1024, 4)
    found = identify(_shapes(own.state_dict()))
    assert found.classes == 4
    assert ["aux1.fc2", 0, 1000] in found.config["resized"]
    own.eval()
    images = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(load(found, own.state_dict())(images), own(images))


def test_segmentation_returns_one_tensor() -> None:
    import torch

    found = identify(filled(next(entry for entry in entries() if entry.name == "lraspp_mobilenet_v3_large")))
    with torch.inference_mode():
        assert build(found)(torch.randn(1, 3, 64, 64)).shape == (1, 7, 64, 64)


def test_mnasnet_of_the_first_release_loads() -> None:
    import torch

    entry = next(entry for entry in entries() if entry.name == "mnasnet0_5" and entry.options)
    found = identify(filled(entry))
    assert found.config["options"] == {"v1_stem": True}
    network = build(found)
    restored = load(found, dict(network.state_dict()))
    images = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(restored(images), network(images))


def test_half_precision_weights_load_as_float_and_the_file_keeps_its_own() -> None:
    import torch
    from torchvision import models

    state = models.squeezenet1_1().half().state_dict()
    network = load(identify(_shapes(state)), state)
    assert {p.dtype for p in network.parameters()} == {torch.float32}
    with torch.no_grad():
        next(network.parameters()).zero_()
    assert next(iter(state.values())).abs().sum() > 0


def test_missing_batch_counters_are_filled() -> None:
    from torchvision import models

    state = {k: v for k, v in models.resnet18().state_dict().items() if not k.endswith("num_batches_tracked")}
    assert load(identify(_shapes(state)), state).bn1.num_batches_tracked == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "entry", [e for e in entries() if not e.more["refused"]], ids=lambda e: f"{e.name}-{e.options}"
)
def test_every_weight_that_loading_leaves_out_comes_from_the_file(entry) -> None:  # type: ignore[no-untyped-def]
    network = built(lambda: build(identify(filled(entry))))
    named = dict(network.named_parameters()) | dict(network.named_buffers())
    missing = {name for name, tensor in named.items() if tensor.is_meta}
    # SSDlite's builder runs its backbone once, so its tensors are real.
    assert missing or entry.name.startswith("ssdlite")
    assert missing <= network.state_dict().keys()


def test_weights_that_do_not_fit_are_refused_in_words() -> None:
    from torchvision import models

    state = models.squeezenet1_1(num_classes=3).state_dict()
    found = identify(_shapes(state))
    wrong = Architecture(found.name, found.family, found.config, 4, found.input_shape)
    with pytest.raises(UnsupportedModel, match=r"classifier.1.weight"):
        load(wrong, state)


def _shapes(state) -> Shapes:  # type: ignore[no-untyped-def]
    return {key: tuple(value.shape) for key, value in state.items()}


def _change_channels(network, channels: int) -> None:  # type: ignore[no-untyped-def]
    """As a person would: a new first convolution."""
    import torch

    path, old = next((p, m) for p, m in network.named_modules() if isinstance(m, torch.nn.Conv2d))
    new = torch.nn.Conv2d(channels, old.out_channels, old.kernel_size, old.stride, old.padding, bias=False)
    parent, _, name = path.rpartition(".")
    setattr(network.get_submodule(parent), name, new)


@pytest.mark.parametrize(
    ("name", "path"), [("resnet18", "fc"), ("mobilenet_v3_small", "classifier"), ("vgg11", "classifier.6")]
)
def test_a_network_whose_head_was_taken_off_gives_features(name: str, path: str) -> None:
    import torch
    from torchvision import models

    from core.architectures.construct import take_off

    network = models.get_model(name, weights=None).eval()
    take_off(network, path)
    state = network.state_dict()
    for hint in (None, name):
        found = identify(_shapes(state), hint)
        assert (found.name, found.classes) == (name, 0)
        assert any("features" in note for note in found.notes)
        image = torch.randn(1, 3, 64, 64)
        with torch.inference_mode():
            torch.testing.assert_close(load(found, state)(image), network(image))


@pytest.mark.parametrize("name", ["ssdlite320_mobilenet_v3_large", "retinanet_resnet50_fpn"])
def test_a_one_stage_detector_gives_what_it_computes_before_boxes_are_sorted_out(name: str) -> None:
    """Scores of every anchor: of these torchvision's own forward makes its boxes."""
    import torch
    from torchvision import models

    torch.manual_seed(0)
    network = models.get_model(name, weights=None, weights_backbone=None, num_classes=4).eval()
    found = identify(_shapes(network.state_dict()))
    assert (found.name, found.classes) == (name, 4)
    side = found.input_shape[-1] if name.startswith("ssd") else 96
    seen = {}
    network.head.register_forward_hook(lambda *call: seen.update(call[-1]))
    network.transform.min_size, network.transform.max_size = (side,), side
    image = torch.rand(1, 3, side, side)
    with torch.inference_mode():
        network(list(image))
        raw = load(found, network.state_dict())(image)
    assert raw.keys() == seen.keys()
    for key, value in raw.items():
        torch.testing.assert_close(value, seen[key])
