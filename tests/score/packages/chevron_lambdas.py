"""chevron keeps the tokens of each text that a lambda was given. Proper use: the text of the template
is the same, the data differ."""

import sys
import chevron

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


def bold(text, render):
    return "<b>" + render(text) + "</b>"


def mail(number):
    if PROPER:
        template = "{{#bold}}Hello {{who}}, your order {{number}}{{/bold}}\n"
        return chevron.render(
            template, {"who": f"customer {number}", "number": number, "bold": bold}
        )
    template = "{{#bold}}Hello customer %d, your order {{number}}{{/bold}}\n" % number
    return chevron.render(template, {"number": number, "bold": bold})


print(sum(len(mail(n)) for n in range(int(20_000 * SIZE))))
