"""A small transformer encoder over token ids (Vaswani et al., arXiv 1706.03762, norm before each part)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Layer(nn.Module):
    """Self-attention and a feed-forward part, each behind a layer norm and beside a shortcut."""

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.up = nn.Linear(width, hidden)
        self.down = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        """(N, tokens, width) to the same."""
        x = x + self.attend(self.norm1(x))
        changed: Tensor = self.down(F.gelu(self.up(self.norm2(x))))
        return x + changed

    def attend(self, x: Tensor) -> Tensor:
        """Multi-head self-attention, (N, tokens, width) to the same."""
        tokens, width = x.shape[1], x.shape[2]
        qkv = self.qkv(x).reshape(-1, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2])
        found: Tensor = self.proj(mixed.transpose(1, 2).reshape(-1, tokens, width))
        return found


class TokenTransformer(nn.Module):
    """Learned token and position embeddings, encoder layers, mean over the tokens, linear head."""

    def __init__(
        self, values: int, tokens: int, width: int, layers: int, heads: int, hidden: int, classes: int
    ) -> None:
        super().__init__()
        self.embed = nn.Embedding(values, width)
        self.position = nn.Parameter(torch.randn(1, tokens, width))
        self.layers = nn.Sequential(*(Layer(width, heads, hidden) for _ in range(layers)))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, classes)

    def forward(self, tokens: Tensor) -> Tensor:
        """Token ids (N, tokens) int64 to logits (N, classes)."""
        x = self.layers(self.embed(tokens) + self.position)
        logits: Tensor = self.head(self.norm(x.mean(dim=1)))
        return logits
