mkdir run empty
cp serve.hlens serve_501.hlens serve_502.hlens serve_503.hlens run
t heaplens diagnose run
t heaplens diagnose serve_503.hlens serve.hlens serve_501.hlens serve_502.hlens | sed -n 1,3p
t heaplens diagnose run/serve_5*.hlens | sed -n 1,3p
t heaplens diagnose --json run | grep -n -e '"pid"' -e '"bytes"' -e '"objects": \[' -e '"verdict"'
t heaplens diagnose serve.hlens serve_502.hlens
t heaplens show run --view types --top 1
t heaplens show --json run/serve.hlens serve_501.hlens --top 1 | grep -e schema -e file
t heaplens paths run __main__.cache
t heaplens paths run/serve_501.hlens __main__.cache --top 1
t heaplens diff run
t heaplens diff run run/serve.hlens
t heaplens diff run/serve.hlens run/serve_501.hlens --top 1 | sed -n 1,4p
t heaplens doctor run
t heaplens doctor --json run | grep -e schema -e state
t heaplens diagnose empty
echo hello > run/foreign.hlens
t heaplens diagnose run | sed -n 1,3p
heaplens diagnose -q run >/dev/null 2>&1; echo "exit $?"
t heaplens doctor run/foreign.hlens run/serve.hlens
t heaplens diagnose run/foreign.hlens nowhere.hlens
