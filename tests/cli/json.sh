t heaplens diagnose --json cycles_off.hlens
t heaplens diagnose --json one.hlens
