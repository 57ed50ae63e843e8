"""Set-up of a run."""
