"""Decoy: argparse parsers, full of cycles of their own, built and used many times."""
import argparse


def parse(number):
    parser = argparse.ArgumentParser(prog="tool")
    commands = parser.add_subparsers(dest="command")
    for name in ("add", "remove", "list"):
        command = commands.add_parser(name)
        command.add_argument("--count", type=int, default=1)
        command.add_argument("names", nargs="*")
    parsed = parser.parse_args(["add", "--count", str(number), "a", "b"])
    return parsed.count + len(parsed.names)


print(sum(parse(number) for number in range(900)))
