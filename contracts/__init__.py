"""What is agreed: the language of forms, grids and readings, and the rules that every form shares."""

import os

# Polars gives each freed page back to the system after half a second, to ask for it again with the next block of an
# export. It looks here when it is loaded, which is after this package. Who has set it knows better.
os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:10000,muzzy_decay_ms:10000")
