# What this version finds by itself is the business of tests/verdict/test_pages.py.
t heaplens explain --lang en | sed 's/ \*$//; /^\* /d'
t heaplens explain --lang zh | sed 's/ \*$//; /^\* /d'
t heaplens explain closure
t heaplens explain closure --lang zh
t env COLUMNS=48 heaplens explain closure --lang zh
t heaplens explain --json growing-container | head -n 9
t heaplens explain closures
t heaplens explain entropy
t heaplens explain closure reference-cycle
t heaplens explain --lang de
t heaplens explain library
t heaplens explain libraries | sed 8q
t heaplens explain libraries --json | sed 3q
# By the locale of messages; where no Chinese can be shown, none is.
for locale in zh_CN.UTF-8 zh_TW.utf8 zh_CN.GB18030 de_DE.UTF-8 C; do
    LC_ALL=$locale heaplens explain | head -n 1
done
LC_MESSAGES=zh_CN.UTF-8 heaplens explain | head -n 1
LC_ALL=C LC_MESSAGES=zh_CN.UTF-8 heaplens explain closure | head -n 1
# docs/causes is what explain prints.
here=$CASES/../../docs/causes
heaplens explain --markdown --lang en | cmp - $here/README.md
heaplens explain --markdown --lang zh | cmp - $here/zh/README.md
heaplens explain libraries --markdown | cmp - $here/libraries.md
ids=$(heaplens explain --json | sed -n 's/.*"id": "\([^"]*\)".*/\1/p')
for id in $ids; do
    heaplens explain $id --markdown --lang en | cmp - $here/$id.md
    heaplens explain $id --markdown --lang zh | cmp - $here/zh/$id.md
done
echo "$ids" | wc -l
ls $here/*.md | wc -l
ls $here/zh/*.md | wc -l
