"""Renders a site with Jinja2: inheritance, macros, filters, a few hundred pages several times."""
import random
import sys

from jinja2 import DictLoader, Environment, select_autoescape

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0

SOURCES = {
    "base.html": """<!doctype html><title>{% block title %}{% endblock %}</title>
{% import 'parts.html' as parts %}{{ parts.menu(menu) }}<main>{% block body %}{% endblock %}</main>
{% include 'footer.html' %}""",
    "parts.html": """{% macro menu(entries) %}<ul>{% for e in entries %}<li class="{{ loop.cycle('odd', 'even') }}">
<a href="{{ e.url }}">{{ e.text }}</a>{% endfor %}</ul>{% endmacro %}
{% macro tag(name) %}<b>#{{ name|lower|replace(' ', '-') }}</b>{% endmacro %}""",
    "footer.html": "<footer>{{ pages|length }} pages, {{ 'now'|stamp }}</footer>",
    "post.html": """{% extends 'base.html' %}{% from 'parts.html' import tag %}
{% block title %}{{ post.title|title }}{% endblock %}
{% block body %}<h1>{{ post.title }}</h1>{% for p in post.paragraphs %}<p>{{ p|truncate(120) }}</p>{% endfor %}
{% for t in post.tags|sort %}{{ tag(t) }}{% else %}no tags{% endfor %}
{{ post.score|round(1) }}{% endblock %}""",
}


def page(rng, number):
    return {"title": f"post {number}", "score": rng.random() * 10,
            "tags": [f"Tag {rng.randrange(30)}" for _ in range(rng.randrange(5))],
            "paragraphs": [" ".join(rng.choices(("lorem", "ipsum", "<b>", "dolor", "&"), k=60))
                           for _ in range(8)]}


def main():
    environment = Environment(loader=DictLoader(SOURCES), autoescape=select_autoescape())
    environment.filters["stamp"] = lambda text: f"{text}: {len(text)}"
    rng = random.Random(11)
    menu = [{"url": f"/{n}", "text": f"entry {n}"} for n in range(12)]
    pages = [page(rng, n) for n in range(300)]
    written = 0
    for _ in range(int(30 * SIZE)):
        for post in pages:
            html = environment.get_template("post.html").render(post=post, pages=pages, menu=menu)
            written += len(html)
        teaser = environment.from_string("{{ n }} of {{ pages|map(attribute='title')|join(', ') }}")
        written += len(teaser.render(n=written, pages=pages))
    print(written > 0)


main()
