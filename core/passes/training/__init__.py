"""Techniques that train: distillation, fine-tuning, batch-norm statistics."""
