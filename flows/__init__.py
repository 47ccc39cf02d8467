"""The Prefect flows, and in rooms beside them everything that they call."""

import contracts  # noqa: F401 - says how memory is kept before anything else loads polars
