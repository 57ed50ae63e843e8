"""Mixed precision: which layers compute in 8 bits, by measured milliseconds and measured loss."""
