"""Settings that every suite of the repository shares."""

import os
import signal

from hypothesis import HealthCheck, settings

# `ci` finds the same examples every time, so that a red run is the change's doing; `nightly` looks for
# new ones. Choose with HYPOTHESIS_PROFILE.
settings.register_profile(
    "ci",
    derandomize=True,
    deadline=None,
    max_examples=50,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("nightly", deadline=None, max_examples=2_000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

# A shell starts what runs in its background with Ctrl-C ignored, and so would the programs be that the
# tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
