REPORTS = []


class Report:
    def __init__(self, number, problem):
        self.number = number
        self.problem = problem


def report(number, problem):
    REPORTS.append(Report(number, problem))
