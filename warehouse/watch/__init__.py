"""Watch: the laws, the state of things, metrics, and what is destroyed when its time is over."""
