"""Pages for people who look and do not run anything: HTML that reads without a script, its style, its drawings."""
