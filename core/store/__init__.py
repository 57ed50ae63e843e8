"""Database, runs, results and content-addressed files."""

from core.errors import StoreUnusable
from core.store.blobs import Blobs
from core.store.claims import ClaimLost
from core.store.store import Store
from core.store.work import Pulse

__all__ = ["Blobs", "ClaimLost", "Pulse", "Store", "StoreUnusable"]
