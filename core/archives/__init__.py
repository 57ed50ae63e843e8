"""Looking into archives and pickles before any library opens them. Nothing here runs what a file says."""

from __future__ import annotations

from core.archives.pickles import has_unsafe_pickle, pickle_globals
from core.archives.programs import check_pt2
from core.archives.torch_files import check_state_dict_pickle, check_torchscript, torch_zip_kind
from core.archives.zips import ZipLimits, extract_zip, inspect_zip

__all__ = [
    "ZipLimits",
    "check_pt2",
    "check_state_dict_pickle",
    "check_torchscript",
    "extract_zip",
    "has_unsafe_pickle",
    "inspect_zip",
    "pickle_globals",
    "torch_zip_kind",
]
