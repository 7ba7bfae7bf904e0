"""`python -m nbsched` is the command line."""

import sys

from nbsched.cli import main

sys.exit(main())
