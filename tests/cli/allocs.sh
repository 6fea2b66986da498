for by in line file function traceback type thread domain library; do
    t heaplens show allocs.hlens --view allocs --group-by $by
done
for what in live peak total temporary; do
    COLUMNS=80 t heaplens show allocs.hlens --view allocs --$what
done
COLUMNS=80 t heaplens show allocs.hlens --view allocs --snapshot 3
t heaplens show allocs.hlens --view allocs --json
COLUMNS=80 t heaplens show allocs_72.hlens --view allocs
t heaplens show allocs_72.hlens --view allocs --peak
t heaplens show allocs.hlens allocs_72.hlens cache.hlens --view allocs
t heaplens show allocs.hlens allocs_72.hlens --view allocs --group-by thread --json
t heaplens show allocs.hlens --view allocs --group-by thread --total
t heaplens show windows.hlens --view allocs --group-by thread --total
for within in 1 2 8 64; do
    t heaplens show windows.hlens --view allocs --temporary=$within
done
t heaplens show windows.hlens --view allocs --group-by thread --temporary=8 --json
t heaplens show windows.hlens allocs.hlens --view allocs --temporary=2
t heaplens show allocs.hlens --view allocs --temporary=2
t heaplens show allocs_72.hlens --view allocs --temporary=1
t heaplens show allocs_72.hlens --view allocs --temporary=64
t heaplens show windows.hlens --view allocs --temporary=3
t heaplens show windows.hlens --view allocs --live=3
t heaplens show cache.hlens --view allocs
t heaplens show allocs.hlens --view allocs --group-by colour
t heaplens diff allocs.hlens
