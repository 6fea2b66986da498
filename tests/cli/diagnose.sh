t heaplens diagnose cache.hlens
t heaplens diagnose cycles_off.hlens
t heaplens diagnose cycle_on.hlens
t heaplens diagnose one.hlens
t heaplens diagnose -v two.hlens
