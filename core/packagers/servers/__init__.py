"""Layouts of model servers that are programs of their own, each with what it needs to run there."""
