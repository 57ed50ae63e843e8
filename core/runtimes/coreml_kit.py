"""Load the package on Core ML, which takes a Mac."""

import json
from pathlib import Path

HERE = Path(__file__).resolve().parent


def load():
    """Return a function from a feed to the list of outputs; it takes the batch that it was made for."""
    import coremltools
    import numpy as np

    manifest = json.loads((HERE / "manifest.json").read_text())
    package = coremltools.models.MLModel(str((HERE / manifest["model"]).parent))
    description = package.get_spec().description
    names = [each.name for each in description.input]

    def run(feed):
        given = {}
        for ours, theirs in zip(names, manifest["inputs"], strict=True):
            array = np.asarray(feed[theirs])
            given[ours] = array.astype(np.float32 if array.dtype.kind == "f" else np.int32)
        found = package.predict(given)
        return [np.asarray(found[each.name]) for each in description.output]

    return run
