"""The three tools of others, by their own names."""
