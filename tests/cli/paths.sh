t heaplens paths two.hlens app.seen
t heaplens paths two.hlens bytes
t heaplens paths two.hlens bytes --json
t heaplens paths cycles_off.hlens __main__.A --top 1
t heaplens paths two.hlens app.nowhere
t heaplens paths two.hlens 0x10
t heaplens paths two.hlens
t heaplens paths two.hlens a b
