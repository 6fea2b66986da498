t heaplens diff two.hlens
t heaplens diff two.hlens --json
t heaplens diff cycle_on.hlens cache.hlens --top 3
t heaplens diff one.hlens
t heaplens diff cycle_on.hlens
t heaplens diff
