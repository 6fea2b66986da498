t heaplens
t heaplens --version
t heaplens --version --json
t heaplens help
t heaplens help diff
t heaplens diff --help
t heaplens help show
t heaplens run --help
t heaplens help nothing
t heaplens dignose x
t heaplens attach 1
t heaplens ./app.py
t heaplens --jsno show
