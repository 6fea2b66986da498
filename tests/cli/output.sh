t sh -c 'heaplens diagnose cache.hlens > /dev/full'
t sh -c 'heaplens help > /dev/full'
heaplens show cache.hlens --view types --top 100000 --json | true
heaplens explain closure | head -n 1
t sh -c 'heaplens diagnose cache.hlens >&-'
