"""Quality: accuracy against labels, and fidelity to the baseline, out of saved outputs."""
