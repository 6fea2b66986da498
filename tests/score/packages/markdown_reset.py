"""One Markdown instance for many documents: raw HTML, references and footnotes of all of them stay
in it. Proper use: reset()."""
import sys

import markdown

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


class Renderer:
    def __init__(self):
        self.markdown = markdown.Markdown(extensions=["footnotes"])

    def page(self, number):
        text = f"# page {number}\n\n" + "".join(
            f"<div class='box{n}'>raw html {number} {n} {'x' * 4000}</div>\n\n*some* text\n\n"
            for n in range(5))
        if PROPER:
            self.markdown.reset()
        return len(self.markdown.convert(text))


renderer = Renderer()
print(sum(renderer.page(n) > 0 for n in range(int(160 * SIZE))))
