"""Small networks that tie channels in every way the rules know."""

from __future__ import annotations

import torch
from torch import nn


class Gated(nn.Module):
    """Residual, depthwise, squeeze and excitation, a batch norm that is no identity."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.norm = nn.Conv2d(3, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32)
        self.depth = nn.Conv2d(32, 64, 3, 1, 1, groups=32)
        self.down, self.up = nn.Conv2d(64, 16, 1), nn.Conv2d(16, 64, 1)
        self.back = nn.Conv2d(64, 32, 1)
        self.head = nn.Linear(32, 5)
        nn.init.uniform_(self.norm.weight, 0.5, 1.5)
        nn.init.normal_(self.norm.bias)
        nn.init.uniform_(self.norm.running_var, 0.5, 2.0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = nn.functional.hardswish(self.norm(self.stem(x)))
        y = self.depth(x)
        gate = torch.sigmoid(self.up(torch.relu(self.down(nn.functional.adaptive_avg_pool2d(y, 1)))))
        x = x + self.back(y * gate)
        return self.head(x.mean((2, 3)))


class Shuffled(nn.Module):
    """Concatenation, channel shuffle and chunks."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 32, 3, 2, 1)
        self.one, self.two = nn.Conv2d(16, 16, 3, 1, 1), nn.Conv2d(32, 24, 3, 1, 1)
        self.head = nn.Conv2d(56, 5, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.stem(x))
        kept, changed = x.chunk(2, 1)
        x = torch.cat([kept, torch.relu(self.one(changed))], 1)
        batch, count, height, width = x.shape
        x = x.view(batch, 2, count // 2, height, width).transpose(1, 2).reshape(batch, count, height, width)
        x = torch.cat([x, self.two(x)], 1)
        return self.head(torch.nn.functional.max_pool2d(x, 2)).mean((2, 3))


class Flat(nn.Module):
    """Grouped and transposed convolutions, flattening, a slice of channels, PReLU."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.group = nn.Conv2d(3, 32, 3, 2, 1), nn.Conv2d(32, 32, 3, 1, 1, groups=4)
        self.act = nn.PReLU(32)
        self.turn = nn.ConvTranspose2d(24, 16, 2, 2)
        self.one, self.two = nn.Linear(16 * 64, 32), nn.Linear(32, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.act(self.group(torch.relu(self.stem(x))))
        x = self.turn(nn.functional.avg_pool2d(x[:, 8:], 2))
        return self.two(torch.tanh(self.one(x.flatten(1))))


class Attentive(nn.Module):
    """An encoder layer: only the width between its two products is free."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(8, 32)
        self.layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True, activation="gelu", dropout=0.0)
        self.head = nn.Linear(32, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.layer(self.embed(x)).mean(1))


class Padded(nn.Module):
    """A shortcut that pads channels with zeros on both sides, as residual networks for CIFAR do."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.wide, self.last = (
            nn.Conv2d(3, 16, 3, 2, 1),
            nn.Conv2d(16, 32, 3, 2, 1),
            nn.Conv2d(32, 32, 1),
        )
        self.head = nn.Linear(32, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.stem(x))
        short = nn.functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 8, 8))
        return self.head(torch.relu(self.last(torch.relu(self.wide(x) + short))).mean((2, 3)))


IMAGE = (3, 16, 16)
NETWORKS: dict[str, tuple[type[nn.Module], tuple[int, ...]]] = {
    "gated": (Gated, IMAGE),
    "shuffled": (Shuffled, IMAGE),
    "flat": (Flat, IMAGE),
    "padded": (Padded, IMAGE),
    "attentive": (Attentive, (6, 8)),
}
