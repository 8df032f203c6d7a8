"""The network: from features (channels, frames, bins) to the f0 and the voicing of two results a frame.

Fully convolutional over time; layout (batch, channels, frames, bins) throughout. Convolutions, ReLU, sums: no
other operator. A column of the input already holds a candidate's harmonics, so kernels along the bins are
short but for one wide pair, which lets candidates see those an octave away.

Outputs, both before any squashing:

* ``pitch`` (batch, 2, frames, bins): the candidates' scores for the frame's two times;
* ``unvoiced`` (batch, 2, frames, 1): the score of there being no pitch.

They are one softmax: P(voiced) = sum(exp(pitch)) / (sum(exp(pitch)) + exp(unvoiced)), and f0 is the
expectation around the best candidate.
"""

from __future__ import annotations

import torch
from spec import FrontEndSpec
from torch import Tensor, nn


class Conv(nn.Module):
    """Zero padding, convolution and, until it is folded, normalisation.

    `ahead` is how many frames the kernel reaches into the future; the rest is past. Bins are padded so
    that their number stays, or not at all where the kernel is as long as they are many.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: tuple[int, int],
        ahead: int = 0,
        *,
        pad: bool = True,
        norm: bool = True,
    ) -> None:
        super().__init__()
        frames, bins = kernel
        side = (bins - 1) // 2 if pad else 0
        #: left and right in bins, then before and after in frames
        self.padding = (side, side, frames - 1 - ahead, ahead)
        self.conv = nn.Conv2d(inputs, outputs, kernel, bias=True)
        self.norm: nn.Module = nn.BatchNorm2d(outputs, momentum=0.02) if norm else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        if any(self.padding):
            x = nn.functional.pad(x, self.padding)
        return self.norm(self.conv(x))

    def fold(self) -> None:
        """Bring the normalisation into the weights."""
        if not isinstance(self.norm, nn.BatchNorm2d):
            return
        norm = self.norm
        assert norm.running_var is not None
        assert norm.running_mean is not None
        gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        with torch.no_grad():
            self.conv.weight.mul_(gain[:, None, None, None])
            assert self.conv.bias is not None
            self.conv.bias.copy_((self.conv.bias - norm.running_mean) * gain + norm.bias)
        self.norm = nn.Identity()


class Block(nn.Module):
    """Along the bins, then along time, added to what came in."""

    def __init__(self, width: int, bins: int, frames: int, ahead: int) -> None:
        super().__init__()
        self.along_bins = Conv(width, width, (1, bins))
        self.along_time = Conv(width, width, (frames, 1), ahead)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.along_bins(x))
        return torch.relu(x + self.along_time(y))


class Octaves(nn.Module):
    """Few channels, a kernel of more than two octaves."""

    def __init__(self, width: int, narrow: int, bins: int) -> None:
        super().__init__()
        self.squeeze = Conv(width, narrow, (1, 1))
        self.wide = Conv(narrow, narrow, (1, bins))
        self.expand = Conv(narrow, width, (1, 1))

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.squeeze(x))
        y = torch.relu(self.wide(y))
        return torch.relu(x + self.expand(y))


class PitchNetwork(nn.Module):
    """16k parameters, 70 million multiply-adds a second of audio with the specifications in spec.py.

    `ahead` is how many frames each block looks into the future, of the four that are not its own: 2 is
    symmetric, 0 causal.
    """

    def __init__(self, features: int, bins: int = 120, ahead: int = 2, width: int = 16) -> None:
        super().__init__()
        self.features, self.bins, self.ahead, self.width = features, bins, ahead, width
        self.enter = Conv(features, width, (1, 3))
        self.first = Block(width, 7, 5, ahead)
        self.octaves = Octaves(width, 4, 37)
        self.second = Block(width, 7, 5, ahead)
        self.third = Block(width, 7, 5, ahead)
        self.pitch_hidden = Conv(width, width, (1, 1))
        self.pitch_out = Conv(width, 2, (1, 3), norm=False)
        self.voicing_hidden = Conv(width, 4, (1, 1))
        self.voicing_all = Conv(4, 8, (1, bins), pad=False)
        self.voicing_out = Conv(8, 2, (1, 1), norm=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = torch.relu(self.enter(x))
        x = self.third(self.second(self.octaves(self.first(x))))
        pitch = self.pitch_out(torch.relu(self.pitch_hidden(x)))
        y = torch.relu(self.voicing_hidden(x))
        unvoiced = self.voicing_out(torch.relu(self.voicing_all(y)))
        return pitch, unvoiced

    def fold(self) -> None:
        """Bring all normalisations into the weights, for export."""
        for module in self.modules():
            if isinstance(module, Conv):
                module.fold()

    def macs_per_frame(self) -> int:
        """Multiply-adds a frame."""
        total = 0
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                bins = 1 if module in (self.voicing_all.conv, self.voicing_out.conv) else self.bins
                total += module.weight.numel() * bins
        return total


def build(spec: FrontEndSpec, ahead: int | None = None) -> PitchNetwork:
    """The network for a front end: causal for the low-latency one."""
    return PitchNetwork(
        spec.features, spec.bins, (0 if spec.name == "quick" else 2) if ahead is None else ahead
    )


if __name__ == "__main__":
    from spec import SPECS

    for spec in SPECS.values():
        network = build(spec)
        parameters = sum(p.numel() for p in network.parameters())
        rate = network.macs_per_frame() * spec.sample_rate / spec.hop / 1e6
        print(
            f"{spec.name}: {spec.features} features, {parameters} parameters, {rate:.1f}e6 products a second"
        )
