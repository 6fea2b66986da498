t env LC_ALL=C heaplens diagnose cache.hlens
t env COLUMNS=60 heaplens diagnose cache.hlens
t heaplens --color always diagnose cache.hlens
t heaplens diagnose --color=always cycle_on.hlens
t env NO_COLOR=1 heaplens diagnose --color auto cycle_on.hlens
t heaplens diagnose --color sometimes cycle_on.hlens
