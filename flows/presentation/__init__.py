"""Presentation: marts as people take them along: workbooks, an officer's report, slides."""
