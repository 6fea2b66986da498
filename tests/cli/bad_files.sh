# sizes depend on the compressor's version
n() {
    sed -E 's/[0-9]+ (B|bytes)/N \1/g; s/(from|byte|after) [0-9]+/\1 N/g' |
        sed -E 's/"(bytes_lost|first_offset)": [1-9][0-9]*/"\1": N/'
}
t heaplens diagnose nowhere.hlens
mkdir none
t heaplens diagnose none
t heaplens diagnose 4242
: > empty.hlens
t heaplens diagnose empty.hlens
t heaplens doctor empty.hlens
echo hello > foreign.hlens
t heaplens diagnose foreign.hlens
t heaplens doctor foreign.hlens
head -c 20 cache.hlens > header.hlens
t heaplens show header.hlens
head -c 32 cache.hlens > nothing.hlens
t heaplens diagnose nothing.hlens
t heaplens show nothing.hlens
t heaplens doctor nothing.hlens
t heaplens doctor cache.hlens
t heaplens doctor --json cache.hlens
size=$(wc -c < cache.hlens)
head -c $((size - 100)) cache.hlens > torn.hlens
t heaplens diagnose torn.hlens | n
t heaplens diagnose --json torn.hlens | grep torn
t heaplens show torn.hlens --view roots
t heaplens doctor torn.hlens | n
t heaplens doctor --json torn.hlens | n
cp cache.hlens flipped.hlens
printf '\377\377\377\377' | dd of=flipped.hlens bs=1 seek=$((size / 2)) conv=notrunc 2>/dev/null
t heaplens doctor flipped.hlens | sed -n '1p;$p'
t heaplens doctor nowhere.hlens cache.hlens
