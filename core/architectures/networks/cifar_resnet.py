"""The CIFAR residual network of He et al., "Deep Residual Learning", arXiv 1512.03385, section 4.2."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F


class Subsample(nn.Module):
    """Option A: every second pixel, missing channels zero-padded evenly on both sides, no parameters."""

    def __init__(self, missing: int) -> None:
        super().__init__()
        self.before = missing // 2
        self.after = missing - missing // 2

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C + missing, H / 2, W / 2)."""
        return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.before, self.after))


def _shortcut(inputs: int, outputs: int, stride: int, option: str) -> nn.Module:
    if stride == 1 and inputs == outputs:
        return nn.Sequential()
    if option == "A":
        return Subsample(outputs - inputs)
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))


class Block(nn.Module):
    """Two 3x3 convolutions with batch norm beside a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int, option: str) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = _shortcut(inputs, outputs, stride, option)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) to (N, outputs, H / stride, W / stride)."""
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return F.relu(out + self.shortcut(x))


def _stage(count: int, inputs: int, width: int, stride: int, option: str) -> nn.Sequential:
    first = Block(inputs, width, stride, option)
    return nn.Sequential(first, *(Block(width, width, 1, option) for _ in range(count - 1)))


class CifarResNet(nn.Module):
    """Three stages of residual blocks at full, half and quarter resolution.

    Args:
        blocks: Number of blocks in each stage; n = 3, 5, 7, 9, 18 give depth 6 n + 2.
        widths: Channels of each stage.
        channels: Input channels.
        option: Shortcut where the shape changes, "A" (no parameters) or "B" (1x1 convolution).
    """

    def __init__(
        self, blocks: Sequence[int], widths: Sequence[int], channels: int, classes: int, option: str = "A"
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, widths[0], 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        self.layer1 = _stage(blocks[0], widths[0], widths[0], 1, option)
        self.layer2 = _stage(blocks[1], widths[0], widths[1], 2, option)
        self.layer3 = _stage(blocks[2], widths[1], widths[2], 2, option)
        self.linear = nn.Linear(widths[2], classes)

    def forward(self, x: Tensor) -> Tensor:
        """Images (N, channels, 32, 32) to logits (N, classes)."""
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        logits: Tensor = self.linear(x.mean(dim=(2, 3)))
        return logits
