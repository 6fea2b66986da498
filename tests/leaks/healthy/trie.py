"""Decoy: a nested dict is built from words in the first third and searched in the rest."""


def insert(trie, word):
    for letter in word:
        trie = trie.setdefault(letter, {})
    trie["end"] = True


def contains(trie, word):
    for letter in word:
        trie = trie.get(letter)
        if trie is None:
            return False
    return "end" in trie


words = ["%d%s" % (number * 7_919 % 100_003, "abcdefgh"[number % 8]) for number in range(60_000)]
trie = {}
for word in words:
    insert(trie, word)
found = 0
for again in range(10):
    found += sum(contains(trie, word[again:]) for word in words)
print(found)
