"""Search: which recipes to try, in which order, within a budget."""
