"""The app's own routes: files stream past the page's script, in and out."""

from __future__ import annotations

from starlette.routing import Route

from pages.routes.download import download
from pages.routes.upload import upload

ROUTES = [
    Route("/upload/{token}", upload, methods=["PUT"]),
    Route("/download/{candidate_id}", download, methods=["GET"]),
]
