"""Evaluation metrics, one file each, with paired confidence intervals of the difference to the baseline."""
