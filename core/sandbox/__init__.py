"""Sandboxed working processes: resource limits, Landlock, seccomp, and a pipe to talk over.

Nothing is imported here, because every child imports this package before it does anything else.
"""
