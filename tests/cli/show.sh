for view in types growth retained containers cycles roots; do
    t heaplens show two.hlens --view $view
    t heaplens show two.hlens --view $view --json --top 2
done
for view in threads duplicates rss; do
    t heaplens show pool.hlens --view $view
    for columns in 80 120; do
        COLUMNS=$columns t heaplens show pool.hlens --view $view
    done
    t heaplens show pool.hlens --view $view --json --top 2
    t heaplens show two.hlens --view $view
done
t heaplens show pool.hlens --view rss --snapshot 1
t heaplens show pool.hlens --view rss --snapshot 3
t heaplens show one.hlens --view growth
t heaplens show one.hlens --view containers
t heaplens show cache.hlens --snapshot 2 --top 1
t heaplens show cache.hlens --snapshot 9
t heaplens show cache.hlens --snapshot 0
t heaplens show cache.hlens --view contaners
t heaplens show cache.hlens --view weather
t heaplens show cache.hlens two.hlens
t heaplens show
