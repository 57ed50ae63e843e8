"""Techniques that train: distillation, fine-tuning, quantization-aware training, batch-norm statistics."""
