"""Load the SavedModel on TensorFlow."""

import json
from pathlib import Path

HERE = Path(__file__).resolve().parent


def load():
    """Return a function from a feed to the list of outputs."""
    import tensorflow as tf

    manifest = json.loads((HERE / "manifest.json").read_text())
    tf.config.threading.set_intra_op_parallelism_threads(manifest["threads"])
    tf.config.threading.set_inter_op_parallelism_threads(1)
    loaded, options = tf.saved_model.load(str((HERE / manifest["model"]).parent)), manifest["options"]

    def run(feed):
        named = zip(options["inputs"], manifest["inputs"], strict=True)
        found = loaded.signatures["serving_default"](
            **{ours: tf.constant(feed[theirs]) for ours, theirs in named}
        )
        return [found[name].numpy() for name in options["outputs"]]

    return run
