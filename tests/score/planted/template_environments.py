"""A mailer that keeps a Jinja2 environment for each campaign; here every mailing is a campaign."""
import sys

from jinja2 import DictLoader, Environment

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0


class Mailer:
    def __init__(self, theme):
        self.theme = theme
        self.environments = {}

    def environment(self, campaign):
        if campaign not in self.environments:
            made = Environment(loader=DictLoader(self.theme), autoescape=True)
            made.globals["campaign"] = campaign
            self.environments[campaign] = made
        return self.environments[campaign]

    def mail(self, campaign, reader):
        template = self.environment(campaign).get_template("mail.txt")
        return template.render(reader=reader)


theme = {"mail.txt": "Dear {{ reader }},\n{% include 'body.txt' %}\n{{ campaign }}",
         "body.txt": "{% for n in range(5) %}{{ n }}: offer {{ loop.index }}\n{% endfor %}"}
mailer = Mailer(theme)
sent = 0
for n in range(int(500 * SIZE)):
    for reader in ("ann", "bob"):
        sent += len(mailer.mail(f"mailing {n}", reader))
print(sent)
