"""Obstacles on a page by axe-core (Deque Systems, MPL-2.0), which comes with axe-playwright-python."""

from __future__ import annotations

from playwright.sync_api import Page

SEVERE = ("serious", "critical")
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
SHOWN = 3


def obstacles(page: Page) -> list[str]:
    """Return what axe-core finds serious or critical, each with the elements it is about."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, options={"runOnly": list(RULES), "resultTypes": ["violations"]})
    return [
        f"{each['id']}: {each['help']} " + " | ".join(node["html"][:200] for node in each["nodes"][:SHOWN])
        for each in found.response["violations"]
        if each["impact"] in SEVERE
    ]
