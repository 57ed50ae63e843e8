"""The app's own routes: files stream past the page's script, in and out."""

from __future__ import annotations

from starlette.routing import Route

from pages.routes.assets import asset
from pages.routes.download import download_kit, download_model, download_run
from pages.routes.upload import upload

ROUTES = [
    Route("/assets/{name}", asset, methods=["GET"]),
    Route("/upload/{token}", upload, methods=["PUT"]),
    Route("/download/{id}/{packager}", download_kit, methods=["GET"]),
    Route("/download-model/{id}", download_model, methods=["GET"]),
    Route("/download-run/{id}", download_run, methods=["GET"]),
]
