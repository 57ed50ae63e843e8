"""Database, runs, results and content-addressed files."""

from core.store.blobs import Blobs
from core.store.database import StoreUnusable
from core.store.runs import ClaimLost, Pulse, RunSummary
from core.store.store import Store

__all__ = ["Blobs", "ClaimLost", "Pulse", "RunSummary", "Store", "StoreUnusable"]
