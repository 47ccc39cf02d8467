"""Service: Prefect's server and worker, kept alive with their deployments."""
