"""A report is written to a text stream by many calls, and read when it is done."""
import io


class Report:
    def __init__(self):
        self.out = io.StringIO()

    def line(self, number):
        self.out.write("line %d of the report " % number * 12)
        self.out.write("\n")

    def text(self):
        return self.out.getvalue()


def main():
    report, total = Report(), 0
    for number in range(9_000):
        report.line(number)
        total += sum(i * i for i in range(700)) % 3
    print(total, len(report.text()))


main()
