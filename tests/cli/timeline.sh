cat > mprofile_1.dat <<'END'
FUNC __main__.load 22.5 1000.5 41.5 1001.25 0
FUNC __main__.load 41.5 1001.5 61.5 1001.75 0
FUNC __main__.rest 61.5 1001.75 61.5 1001.75 1
CMDLINE python app.py -c import os
print()
MEM 6.000000 1000.0000
CHLD 71 5.000000 1000.2600
MEM 22.500000 1000.2500
MEM 22.500000 1000.5000
CHLD 71 6.000000 1000.5100
MEM 30.000000 1000.7500
MEM 41.500000 1001.0000
MEM 41.500000 1001.2500
MEM 50.000000 1001.5000
MEM 61.500000 1001.7500
MEM 61.500000 1002.0000
END
head -c 300 mprofile_1.dat > mprofile_torn.dat
sed 's/^MEM 30.*/MEM thirty 1000.75/' mprofile_1.dat > mprofile_bad.dat
printf 'CMDLINE python app.py\n' > mprofile_empty.dat
t heaplens timeline allocs.hlens
COLUMNS=80 t heaplens timeline allocs_72.hlens cache.hlens
t heaplens timeline allocs.hlens --json
t heaplens timeline mprofile_1.dat
t heaplens timeline mprofile_1.dat --json
t heaplens timeline mprofile_torn.dat
t heaplens timeline mprofile_bad.dat
t heaplens timeline mprofile_bad.dat one.hlens
t heaplens timeline mprofile_empty.dat
t heaplens timeline serve.hlens serve_501.hlens serve_502.hlens --top 3
t heaplens timeline one.hlens -o one.pdf
t heaplens timeline
t heaplens timeline nothing.hlens
