"""A drawing that methods build up bit by bit, and that is written out once, when it is whole."""
import json


class Drawing:
    def __init__(self):
        self.points = []
        self.lines = []

    def point(self, number):
        self.points.append({"number": number, "label": json.loads(json.dumps("point %d" % number))})

    def line(self, start, end):
        self.lines.append((start, end))

    def written(self):
        return json.dumps({"points": self.points, "lines": self.lines})


def main():
    drawing = Drawing()
    for number in range(45_000):
        drawing.point(number)
        if number:
            drawing.line(number, number // 2)
    print(len(drawing.written()))


main()
