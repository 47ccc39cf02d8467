"""The Prefect flows, and in rooms beside them everything that they call."""
