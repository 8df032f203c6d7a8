"""My effects for luthier."""

from pathlib import Path

import luthier.effects as fx

for _library in Path(__file__).parent.glob("_native.*"):
    fx.load_library(_library)


class TapeWobble(fx.Effect):
    """Let the pitch swing, as a worn tape machine does."""

    depth_ms: float = fx.param(
        2.0, unit="ms", minimum=0.01, maximum=20, taper="log", doc="How far the delay swings."
    )
    rate_hz: float = fx.param(1.5, unit="Hz", minimum=0.1, maximum=20, taper="log", doc="How often.")
    shape: str = fx.choice("sine", options=("sine", "triangle"), doc="The way of the swing.")
