"""ciso8601 2.3.2 loses a timedelta in each astimezone (closeio/ciso8601#172)."""
import datetime
import sys

import ciso8601

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]
zone = ciso8601.parse_datetime("2024-01-01T00:00:00+05:30").tzinfo
start = datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)
print(sum(start.astimezone(zone).hour for _ in range(int(150_000 * SIZE))))
