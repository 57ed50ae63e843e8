"""Demo: sample models with the data they were trained for."""

from __future__ import annotations

from core import engine
from core.protocols import InspectOptions
from core.store.store import Store
from sample_models.catalogue import Sample, by_id

DEMO = "digits-resnet"


def demo() -> Sample:
    """Return the sample behind the first button."""
    return by_id(DEMO)


def take(store: Store, sample: Sample) -> tuple[str, str]:
    """Put a sample's model and data into the store; return both ids."""
    model = engine.add_model(store, sample.files["pt2"], InspectOptions(name=sample.id))
    return model.id, engine.add_data(store, sample.data, model).id


def prepare() -> None:
    """Look at the demo's model and data before anybody asks, so that its button answers at once."""
    with engine.open_store() as store:
        take(store, demo())
