t heaplens explain
t heaplens explain closure
t heaplens explain --json growing-container | head -n 8
t heaplens explain closures
t heaplens explain entropy
t heaplens explain closure reference-cycle
for page in reference-cycle closure growing-container unbounded-cache; do
    heaplens explain $page --markdown | cmp - $CASES/../../docs/causes/$page.md
done
heaplens explain --json | grep '"id"' | wc -l
ls $CASES/../../docs/causes | wc -l
