"""The page: a static site of what was published, a folder an audience, an address for each date and publication."""
