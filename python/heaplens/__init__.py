"""heaplens: which objects leak, what holds them, which line made them, and what to change."""
