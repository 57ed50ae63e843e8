"""Factorization: weights as products of smaller ones."""
