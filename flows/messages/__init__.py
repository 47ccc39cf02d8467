"""Messages: who is told what, how, and that it arrives once."""
