"""Python API: `optimize`, what it returns, and what can be done with that.

from core import optimize

run = optimize("model.pt2", data="photos.zip", max_drop=1.0)
print(run.recommendation.sentence)
"""

from core.api.deploying import Deployment, deploy
from core.api.finding import measured_candidate, run_of
from core.api.following import follow
from core.api.optimizing import AUTO, RunOptions, export, optimize
from core.api.profiling import layer_errors, profile
from core.api.watching import watch

__all__ = [
    "AUTO",
    "Deployment",
    "RunOptions",
    "deploy",
    "export",
    "follow",
    "layer_errors",
    "measured_candidate",
    "optimize",
    "profile",
    "run_of",
    "watch",
]
