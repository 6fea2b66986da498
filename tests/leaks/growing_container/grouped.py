"""Leak: events are put together by their session; sessions end, and their events stay. What is looked
up there is only added to: no cache, whatever it looks like."""

by_session = {}


def note(session, event):
    if session in by_session:
        by_session[session].append(event)
    else:
        by_session[session] = [event]
    return len(event) + sum(i * i for i in range(400)) % 3


print(sum(note(number // 6, "event %d of %d" % (number, number // 6)) for number in range(24_000)))
