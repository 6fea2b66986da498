t heaplens diagnose --fail-on strong cache.hlens --json | tail -n 1
t heaplens diagnose --fail-on=certain two.hlens | tail -n 2
t heaplens diagnose --fail-on possible cycle_on.hlens | tail -n 1
t heaplens diagnose --min-growth 1GiB cache.hlens
t heaplens diagnose --min-growth 1GiB --format json cache.hlens | grep verdict
t heaplens diagnose --fail-on maybe cache.hlens
t heaplens diagnose --min-growth lots cache.hlens
t heaplens diagnose --format html cache.hlens
t heaplens diagnose --fail-no strong cache.hlens
t heaplens diagnose --fail-on
t heaplens diagnose
t heaplens diagnose -qz cache.hlens
t heaplens diagnose --memory-limit 1GiB cache.hlens | grep 'at this rate'
t heaplens diagnose --memory-limit much cache.hlens
