t heaplens diagnose hostile.hlens
t heaplens diagnose --json hostile.hlens
t heaplens show hostile.hlens
t heaplens show --view growth hostile.hlens
t heaplens paths hostile.hlens list
