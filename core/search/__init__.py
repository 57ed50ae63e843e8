"""What to try, in which order, within a budget."""
