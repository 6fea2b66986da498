"""mako's TemplateLookup.put_string for each mail: the collection has no limit by default.
Proper use: collection_size."""
import sys

from mako.lookup import TemplateLookup

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]
lookup = TemplateLookup(collection_size=20) if PROPER else TemplateLookup()


def mail(number):
    lookup.put_string(f"mail-{number}", "Dear ${name},\n% for n in range(3):\n${n}\n% endfor\n" + f"{number}")
    return len(lookup.get_template(f"mail-{number}").render(name="ann"))


print(sum(mail(n) for n in range(int(1200 * SIZE))))
