"""`python -m contracts.versions`: are the listed versions of rules and inputs those that stand here."""

import sys

from contracts.versions.rule_versions import main

sys.exit(main())
