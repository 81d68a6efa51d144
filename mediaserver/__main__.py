"""`python -m mediaserver`."""

import sys

from mediaserver.worker import main

sys.exit(main())
