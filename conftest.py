"""Settings that every suite of the repository shares."""

import os

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
