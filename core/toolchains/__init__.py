"""Toolchains: pinned environments for libraries that clash with ours, one list of requirements each."""
