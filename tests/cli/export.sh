for form in collapsed csv json speedscope; do
    t heaplens export allocs.hlens --format $form
done
t heaplens export allocs.hlens allocs_72.hlens cache.hlens --format csv
t heaplens export allocs.hlens --format collapsed --temporary
t heaplens export allocs_72.hlens --format collapsed --temporary
t heaplens export allocs.hlens --format collapsed --snapshot 2
t heaplens export allocs.hlens --format pprof -o out.pb.gz
t heaplens export allocs.hlens --format pprof -o out.pb.gz
t heaplens export allocs.hlens --format pprof -o out.pb.gz -f --total
gzip -t out.pb.gz && echo whole
t heaplens export allocs.hlens --format csv -o /dev/full
t heaplens export cache.hlens --format pprof -o none.pb.gz
t ls none.pb.gz
t heaplens export allocs.hlens
t heaplens export allocs.hlens --format prof
t heaplens export --format csv
t heaplens export nothing.hlens --format csv
t heaplens export --help
t heaplens export windows.hlens --format collapsed --temporary=64
t heaplens export allocs.hlens --format csv --temporary=64
