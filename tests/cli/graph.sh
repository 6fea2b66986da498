t heaplens graph two.hlens app.seen
t heaplens graph two.hlens bytes -o -
t heaplens graph graph.hlens app.registry --refs
t heaplens graph graph.hlens app.Node
t heaplens graph graph.hlens app.handler --refs --depth 1
t heaplens graph graph.hlens app.handler --refs --depth 1 --json
t heaplens graph graph.hlens app.Session --max-nodes 3
t heaplens graph cycles_off.hlens __main__.A
t heaplens graph hostile.hlens list
# findings: the edge by which the holder keeps what grows
t heaplens graph cache.hlens bytearray --backrefs | grep -e label= -e '->'
t heaplens graph cache.hlens __main__.cache --refs | grep -e '->'
t heaplens graph cache.hlens bytearray --snapshot 2 | grep -e '->'

# pictures: a dot of our own, which tells what it was given
mkdir bin only
ln -s "$(command -v heaplens)" only/heaplens
cat > bin/dot << 'DOT'
#!/bin/sh
echo "picture $*"
wc -l
DOT
chmod +x bin/dot
path=$PATH
PATH=$PWD/bin:$path
t heaplens graph two.hlens app.seen -o seen.svg
t cat seen.svg
t heaplens graph two.hlens bytes -o seen.svg
t cat seen.svg
t heaplens graph two.hlens bytes -f -o seen.svg
t cat seen.svg
t heaplens graph two.hlens app.seen -o seen.png --json
t cat seen.png
t heaplens graph two.hlens app.seen -o seen.dot
t wc -l seen.dot
t stat -c %a seen.dot seen.svg
t heaplens graph two.hlens app.seen -o -
ls | grep -e seen -e new

# it fails, is ended, draws nothing, reads nothing
printf '#!/bin/sh\necho "Error: <stdin>: syntax error in line 1" >&2\necho more >&2\ncat > /dev/null\nexit 1\n' > bin/dot
t heaplens graph two.hlens app.seen -f -o seen.svg
printf '#!/bin/sh\nkill -9 $$\n' > bin/dot
t heaplens graph two.hlens app.seen -f -o seen.svg
printf '#!/bin/sh\nexit 0\n' > bin/dot
t heaplens graph two.hlens app.seen -f -o seen.svg
printf '#!/bin/sh\nexec <&-\necho half\nexit 3\n' > bin/dot
t heaplens graph graph.hlens app.Session -f -o seen.svg
t cat seen.svg

# it is not there
PATH=$PWD/only
t heaplens graph two.hlens app.seen -o new.svg
t heaplens graph two.hlens app.seen -o new.png -f
t heaplens graph two.hlens app.seen -o new.dot
PATH=$path
ls | grep -e seen -e new

t heaplens graph two.hlens app.nowhere
t heaplens graph two.hlens 0x10 -o new.svg
t heaplens graph two.hlens
t heaplens graph two.hlens a b
t heaplens graph two.hlens app.seen -o new.gif
t heaplens graph two.hlens app.seen -o folder.svg/new
t heaplens graph two.hlens app.seen -o nowhere/new.dot
mkdir folder.dot
t heaplens graph two.hlens app.seen -o folder.dot
t heaplens graph two.hlens app.seen --depth 0
t heaplens graph two.hlens app.seen --max-nodes 1001
t heaplens graph two.hlens app.seen --snapshot 9
t heaplens graph nowhere.hlens app.seen
t sh -c 'heaplens graph two.hlens app.seen > /dev/full'
head -c 32 two.hlens > nothing.hlens
t heaplens graph nothing.hlens app.seen
size=$(wc -c < cache.hlens)
head -c $((size - 100)) cache.hlens > torn.hlens
heaplens graph torn.hlens __main__.cache > torn.dot 2> torn.txt
echo "[exit $?]"
sed -E 's/[0-9]+ (B|bytes)/N \1/g; s/(from|byte|after) [0-9]+/\1 N/g' torn.txt
tail -n 1 torn.dot
