"""What passes, sources and pruning need to know of graphs and do to them."""
