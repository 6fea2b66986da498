"""Decoy: deque(maxlen)."""
import collections

recent = collections.deque(maxlen=4_000)
for number in range(1_000_000):
    recent.append({"number": number, "text": "event %d" % number})
print(sum(len(event["text"]) for event in recent))
