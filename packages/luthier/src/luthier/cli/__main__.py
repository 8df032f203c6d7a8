"""``python -m luthier.cli``: the same as the command ``luthier``."""

import sys

from luthier.cli import main

sys.exit(main())
