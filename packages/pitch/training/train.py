"""Trains a network for a given time.

    python train.py DATA OUT.pt [--spec accurate] [--minutes 60] [--threads 1] [--resume OUT.pt]

The learning rate follows the clock: up for the first twentieth of the time, then down along a cosine. The
weights that are kept are a running average of the last steps', with the normalisations' statistics.
"""

from __future__ import annotations

import argparse
import copy
import math
import queue
import threading
import time
from pathlib import Path

import numpy as np
import torch
from batches import Batches
from network import PitchNetwork, build
from spec import SPECS, FrontEndSpec
from torch import Tensor

#: Standard deviation of the target around the true f0, in bins: what the expectation is taken over.
BLUR = 0.6


def targets(f0: Tensor, spec: FrontEndSpec) -> Tensor:
    """(..., bins): a bell around the true candidate, its sum one."""
    position = torch.log2(f0.clamp(min=20) / spec.lowest_hz) * spec.bins_per_octave
    distance = torch.arange(spec.bins, dtype=torch.float32) - position[..., None]
    bell = torch.exp(-0.5 * (distance / BLUR) ** 2)
    return bell / bell.sum(dim=-1, keepdim=True).clamp(min=1e-6)


def voicing_logit(pitch: Tensor, unvoiced: Tensor) -> Tensor:
    return torch.logsumexp(pitch, dim=-1) - unvoiced[..., 0]


def loss(
    network: PitchNetwork, features: Tensor, f0: Tensor, state: Tensor, spec: FrontEndSpec
) -> tuple[Tensor, ...]:
    """The pitch's and the voicing's cross-entropy, and the shares of results that are right."""
    # Half the time in half the precision; what is trained and averaged stays in single.
    with torch.autocast("cpu", dtype=torch.bfloat16):
        pitch, unvoiced = network(features.contiguous(memory_format=torch.channels_last))
    pitch, unvoiced = pitch.float(), unvoiced.float()
    voiced = state == 1
    known = voiced & (f0 > 0)
    scores = pitch[known]
    target = targets(f0[known], spec)
    pitch_loss = -(target * torch.log_softmax(scores, dim=-1)).sum(dim=-1).mean()
    decided = state >= 0
    logit = voicing_logit(pitch, unvoiced)
    voicing_loss = torch.nn.functional.binary_cross_entropy_with_logits(
        logit[decided], voiced[decided].float()
    )
    with torch.no_grad():
        near = (scores.argmax(dim=-1) - target.argmax(dim=-1)).abs() <= 1
        right = ((logit > 0) == voiced)[decided]
    return pitch_loss, voicing_loss, near.float().mean(), right.float().mean()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--spec", choices=SPECS, default="accurate")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=12)
    parser.add_argument("--rate", type=float, default=4e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--resume", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    spec = SPECS[options.spec]
    network = build(spec).to(memory_format=torch.channels_last)
    if options.resume:
        network.load_state_dict(torch.load(options.resume)["network"])
    average = copy.deepcopy(network)
    optimiser = torch.optim.AdamW(network.parameters(), lr=options.rate, weight_decay=1e-3)
    batches = Batches(options.data, spec, seed=options.seed)
    ready: queue.Queue[tuple[Tensor, ...]] = queue.Queue(2)

    def fill() -> None:
        while True:
            ready.put(tuple(torch.from_numpy(a) for a in batches.batch(options.batch)))

    threading.Thread(target=fill, daemon=True).start()

    began, step = time.monotonic(), 0
    seen: list[list[float]] = []
    saved = began
    waited = 0.0
    while (part := (time.monotonic() - began) / 60 / options.minutes) < 1:
        rate = options.rate * min(1, part / 0.02 + 0.1) * (0.5 + 0.5 * math.cos(math.pi * part))
        for group in optimiser.param_groups:
            group["lr"] = rate
        asked = time.monotonic()
        features, f0, state = ready.get()
        waited += time.monotonic() - asked
        network.train()
        pitch_loss, voicing_loss, near, right = loss(network, features, f0, state, spec)
        optimiser.zero_grad()
        (pitch_loss + voicing_loss).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 2.0)
        optimiser.step()
        step += 1
        with torch.no_grad():
            keep = min(0.995, step / (step + 20))
            for mean, now in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
                if mean.dtype.is_floating_point:
                    mean.lerp_(now, 1 - keep)
        seen.append([pitch_loss.item(), voicing_loss.item(), near.item(), right.item()])
        if step % 50 == 0:
            means = np.nanmean(seen, axis=0)
            seconds = time.monotonic() - began
            speed = step * options.batch * batches.frames / 100 / seconds
            print(
                f"{seconds / 60:6.1f} min step {step} rate {rate:.5f} "
                f"pitch {means[0]:.4f} voicing {means[1]:.4f} "
                f"within a bin {100 * means[2]:.2f} % voicing right {100 * means[3]:.2f} % "
                f"{speed:.0f} x real time, waiting {100 * waited / seconds:.0f} %",
                flush=True,
            )
            seen = []
        if time.monotonic() - saved > 60:
            saved = time.monotonic()
            torch.save({"network": average.state_dict(), "spec": spec.name, "step": step}, options.out)
    torch.save({"network": average.state_dict(), "spec": spec.name, "step": step}, options.out)


if __name__ == "__main__":
    main()
