#!/usr/bin/env python3
"""The pages of docs/causes as C: what `heaplens explain` prints.

    pages.py OUT.c FOLDER --topics ID... --causes ID...

FOLDER/ID.md is the English page, FOLDER/zh/ID.md the Chinese one. A page that lacks a part, or
uses Markdown the reader in src/report/lesson_read.c does not know, ends the build with a sentence.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

PARTS = {
    "en": ["What it is", "Leaks", "Does not", "How it is recognised", "What to change"],
    "zh": ["是什么", "会泄漏的例子", "不会泄漏的例子", "如何识别", "如何修改"],
}
GENERATED = ("README.md", "libraries.md")  # printed by `heaplens explain ... --markdown`
PARAGRAPH_MAX = 4000  # bytes; the reader joins a paragraph's lines in a buffer of 4096
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
UNKNOWN = re.compile(r"^(\d+\. |\* |\||>|#{3,}|    |!\[)", re.M)


class Wrong(Exception):
    """A page that is not as pages are."""


def read(path: Path, page_id: str, lang: str, cause: bool) -> tuple[str, str, str]:
    """Title, seed and body of a page."""
    text = path.read_text(encoding="utf-8")
    if not text.endswith("\n") or "\t" in text or "\r" in text:
        raise Wrong(f"{path}: ends without a newline, or holds tabs")
    head = re.match(r"# (\S+)\n\n(\S.*)\n\n(?=## |\S)", text)
    if not head or head[1] != page_id:
        raise Wrong(f"{path}: begins with '# {page_id}', an empty line and one line of title")
    body = text[head.end() :]
    title, seed = head[2], ""
    if title[-1] not in ".。":
        raise Wrong(f"{path}: the title line ends with a full stop")
    title = title[:-1]
    if lang == "en" and (named := re.fullmatch(r"(.*) \(([^()]+)\)", title)):
        title, seed = named[1], named[2]
    prose = FENCE.sub("", body)
    if prose.count("```"):
        raise Wrong(f"{path}: a fence is not closed")
    for paragraph in re.split(r"\n\s*\n", prose):
        if len(paragraph.encode()) > PARAGRAPH_MAX:
            raise Wrong(f"{path}: a paragraph is longer than {PARAGRAPH_MAX} bytes")
    if found := UNKNOWN.search(prose):
        raise Wrong(f"{path}: '{found[0]}' is Markdown the terminal reader does not know")
    if cause:
        headings = re.findall(r"^## (.*)$", prose, re.M)
        if headings != PARTS[lang]:
            raise Wrong(f"{path}: has the parts {headings}, not {PARTS[lang]}")
        for name, part in list(zip(headings, re.split(r"^## .*$", body, flags=re.M)[1:]))[1:3]:
            kinds = [kind for kind, _ in FENCE.findall(part)]
            if not part.endswith("```\n\n") or kinds[-1:] != ["python"]:
                raise Wrong(f"{path}: '{name}' does not end with a program in Python")
    return title, seed, body


def literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return '"' + escaped.replace("?", "\\?") + '"'


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--topics", nargs="+", required=True)
    parser.add_argument("--causes", nargs="+", required=True)
    args = parser.parse_args()
    lines = ['#include "report/writer.h"\n', "static const hl_lesson pages[] = {"]
    known = set()
    try:
        for page_id in [*args.topics, *args.causes]:
            cause = page_id in args.causes
            seed = ""
            for lang, folder in ("en", args.folder), ("zh", args.folder / "zh"):
                path = folder / f"{page_id}.md"
                known.add(path)
                title, own_seed, body = read(path, page_id, lang, cause)
                seed = own_seed or seed
                kind = "HL_LESSON_CAUSE" if cause else "HL_LESSON_TOPIC"
                fields = ", ".join(literal(value) for value in (page_id, lang, title, seed))
                lines.append(f"    {{{kind}, {fields}, (const char *const[]){{")
                # pieces: C compilers need not take a literal of more than 4095 bytes
                lines += [f"        {literal(line)}," for line in body.splitlines(keepends=True)]
                lines.append("        NULL}},")
        for path in sorted([*args.folder.glob("*.md"), *args.folder.glob("zh/*.md")]):
            if path not in known and path.name not in GENERATED:
                raise Wrong(f"{path}: not in the list of pages, src/report/meson.build")
    except (Wrong, OSError) as error:
        print(f"pages: {error}", file=sys.stderr)
        return 1
    lines.append("};\n")
    lines.append("const hl_lesson *hl_lessons(uint32_t *n)\n{")
    lines.append("    *n = sizeof pages / sizeof *pages;\n    return pages;\n}\n")
    head = "/* Written by tools/pages.py from docs/causes: edit the pages. */\n"
    args.out.write_text(head + "\n".join(lines), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
