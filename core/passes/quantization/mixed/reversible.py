"""A network quantized once, whose layers can be put back into float group by group without calibrating again.

The groups are those of NNCF's accuracy control: layers behind one quantizer, or whose outputs meet, change
together.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from core.errors import PassNotApplicable
from core.passes.quantization.calibration import CalibrationFeeds
from core.passes.quantization.nncf_quantize import quantized


class Reversible:
    """An OpenVINO model quantized by NNCF, and its way back.

    Args:
        model: In float; layers get names of their own.
        feeds: Calibration data.
        fast_bias_correction: As NNCF has it.

    Attributes:
        original: The model in float.
        groups: Names of the layers of each group, in the order of the graph.

    Raises:
        PassNotApplicable: The graph branches, or has nothing that 8 bits could compute.
    """

    def __init__(self, model: Any, feeds: CalibrationFeeds, fast_bias_correction: bool) -> None:
        from nncf.common.factory import build_graph
        from nncf.openvino.graph.model_utils import remove_friendly_name_duplicates
        from nncf.quantization.algorithms.accuracy_control.algorithm import QuantizationAccuracyRestorer
        from nncf.quantization.algorithms.accuracy_control.openvino_backend import (
            OVAccuracyControlAlgoBackend,
        )
        from nncf.quantization.algorithms.accuracy_control.ranker import Ranker

        if any(node.get_type_name() == "If" for node in model.get_ops()):
            raise PassNotApplicable(
                "The graph has branches, and layers inside of them cannot be put back into float.",
                hint="Fold the branches with fixed inputs first, or take plain INT8.",
            )
        self.original: Any = remove_friendly_name_duplicates(model)
        self._backend = OVAccuracyControlAlgoBackend
        # Smoothing moves ranges from activations into weights: a layer put back would not fit its neighbours.
        self._model = quantized(
            self.original,
            feeds,
            smooth=False,
            fast_bias_correction=fast_bias_correction,
            compress=False,
            per_tensor=True,
        )
        self._graph = build_graph(self._model)
        QuantizationAccuracyRestorer._collect_original_biases_and_weights(
            build_graph(self.original), self._graph, self.original, self._backend
        )
        ranker = Ranker(1, None, self._backend, None)
        found = ranker.find_groups_of_quantizers_to_rank(self._graph)
        self._groups = [group for group in reversed(found) if group.operations]
        self.groups = tuple(tuple(node.node_name for node in group.operations) for group in self._groups)
        if not self.groups:
            raise PassNotApplicable("No layer of the graph can compute in 8 bits.", hint="Take BF16.")

    def variant(self, low: Collection[int]) -> Any:
        """Return the model with the groups of these numbers in 8 bits, their weights stored so."""
        from nncf.common.quantization.quantizer_removal import revert_operations_to_floating_point_precision
        from nncf.quantization.advanced_parameters import RestoreMode
        from openvino._offline_transformations import compress_quantize_weights_transformation

        back = [group for index, group in enumerate(self._groups) if index not in low]
        made = revert_operations_to_floating_point_precision(
            [node for group in back for node in group.operations],
            [node for group in back for node in group.quantizers],
            self._model,
            self._graph,
            RestoreMode.ACTIVATIONS_AND_WEIGHTS,
            self._backend.get_op_with_weights_metatypes(),
            self._backend.is_node_with_weight,
            self._backend.get_weight_tensor_port_ids,
        )
        compress_quantize_weights_transformation(made)
        return made
