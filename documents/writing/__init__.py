"""Writing: templates, marts, acts and the catalogue of rules as documents."""
