"""The corpus with a score: every program with a known answer under `heaplens run --json`.

Takes  the programs of tests/leaks and of this folder, the answers of tests/leaks/key.py and of
       corpus.py, an environment below .venvs/ for every set of pinned packages (made on first use).
Gives  the confusion matrix by cause on stdout and in build/score.md; in build/score/ every
       diagnosis, the words a terminal of 100 columns would show, and the recording where a verdict
       was wrong.
Exit   0 every verdict right; 1 one was wrong; 2 something could not be run.

A verdict is taken as it comes: no second try, and nothing is skipped because a machine is busy.
"""

from __future__ import annotations

import argparse
import datetime
import fcntl
import hashlib
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT / "tests/verdict"), str(ROOT / "tests/leaks")]

import corpus  # noqa: E402  (the paths come first)
import key  # noqa: E402
import lens  # noqa: E402

SECONDS = 300  # for one program; the slowest takes 8 on an idle machine
COLUMNS = "100"
ACCUSING = ("certain", "strong")
SPIN = "import os\nparent = os.getppid()\nwhile os.getppid() == parent:\n    sum(range(10000))\n"


@dataclass(frozen=True)
class Case:
    """One program, how it is run, and what a right diagnosis says."""

    group: str
    name: str
    arguments: tuple[str, ...]
    folder: Path | None  # None: a fresh one
    expect: str  # "leak", "silent" or "unaccused"
    answers: tuple[key.Leak, ...] = ()
    status: int = 0
    needs: tuple[str, ...] = ()
    python: str = ""  # the release it is about, where there is one: "3.13"
    takes_size: bool = False
    takes_twin: bool = False
    waits: str = ""  # for what its diagnosis waits; then it is run and not counted


@dataclass(frozen=True)
class Judgement:
    """How far a diagnosis agrees with the answer."""

    word: str  # right, holder, cause, undecided, silent, accused
    got: str = ""  # the cause of the first finding
    words: tuple[str, ...] = ()  # the word for each of the case's answers
    given: tuple[str, ...] = ()  # causes of findings that should not have been there
    beside: tuple[str, ...] = ()  # accused beside the leak: cause and holder


@dataclass
class Outcome:
    """What one run of a case came to."""

    case: Case
    repetition: int
    word: str  # that of the judgement, or failed, skipped
    judged: Judgement = Judgement("")
    seconds: float = 0.0
    text: str = ""
    diagnosis: dict = field(default_factory=dict)

    @property
    def wrong(self) -> bool:
        return self.word not in ("right", "skipped") and not self.case.waits


# The cases.


def small_cases() -> list[Case]:
    """The programs of tests/leaks."""
    folder = ROOT / "tests/leaks"

    def case(program: str, expect: str, *answers: key.Leak) -> Case:
        path, name = folder / program, program.removesuffix(".py")
        alone = path.suffix == ".py"
        return Case("leaks", name, (str(path),) if alone else ("-m", path.name),
                    None if alone else path.parent, expect, answers, key.STATUS.get(name, 0))

    two = tuple(key.leak(key.TWO, cause, " ".join(holder), corpus.ANY, 0)
                for holder, cause in key.TWO_HOLDERS.items())
    return [*(case(leak.program, "leak", leak) for leak in key.LEAKS), case(key.TWO, "leak", *two),
            *(case(program, "silent") for program in key.HEALTHY),
            *(case(program, "unaccused") for program in key.UNACCUSED)]


def large_cases() -> list[Case]:
    """The programs of this folder."""
    cases = []
    for entry in corpus.PROGRAMS:
        program = str(HERE / entry.program)
        common = {"folder": None, "takes_size": True, "takes_twin": entry.proper,
                  "python": entry.python}
        name, group = entry.program.removesuffix(".py"), entry.program.split("/")[0]
        if entry.answer is None:
            cases.append(Case(group, name, (program,), expect="silent", needs=entry.needs,
                              **common))
            continue
        cases.append(Case(group, name, (program,), expect="leak", answers=(entry.answer,),
                          needs=entry.needs, waits=entry.waits, **common))
        if entry.proper:
            cases.append(Case(group, name + " (proper use)", (program, "proper"), expect="silent",
                              needs=entry.needs, waits=entry.waits, **common))
        if entry.fixed or entry.fixed_python:
            common["python"] = entry.fixed_python or entry.python
            cases.append(Case(group, name + " (fixed)", (program,), expect="silent",
                              needs=entry.fixed or entry.needs, waits=entry.waits, **common))
    return cases


# The interpreters, and the environments with packages.


def real_python(command: str) -> Path | None:
    done = subprocess.run([command, "-c", "import sys; print(sys.executable)"], text=True,
                          stdin=subprocess.DEVNULL, capture_output=True)
    return Path(done.stdout.strip()) if done.returncode == 0 else None


def interpreters(wanted: str | None) -> dict[str, str]:
    """Release (3.11) -> interpreter; "" is the one to use where a case does not care."""
    listed = subprocess.run([str(ROOT / "tools/interpreters.sh")], text=True, capture_output=True,
                            stdin=subprocess.DEVNULL).stdout
    found = {}
    for line in listed.splitlines():
        version, path, why = line.split("\t")
        if not why:
            found[version.rpartition(".")[0]] = path
    own = wanted or os.environ.get("HEAPLENS_PYTHON") or str(lens.EXE.parent / "python")
    if real_python(own) is None:
        sys.exit(f"score: cannot run the interpreter {own}")
    found[""] = own
    return found


def version_of(python: str) -> str:
    done = subprocess.run([python, "-c", "import platform; print(platform.python_version())"],
                          text=True, stdin=subprocess.DEVNULL, capture_output=True, check=True)
    return done.stdout.strip()


def environment(python: str, needs: tuple[str, ...]) -> str:
    """An interpreter that has these packages; raises with pip's sentence when it cannot be made."""
    first = re.sub(r"[^A-Za-z0-9.]+", "-", needs[0].partition(";")[0])
    digest = hashlib.sha256("\n".join(needs).encode()).hexdigest()[:6]
    folder = ROOT / ".venvs" / f"score-{version_of(python)}-{first}-{digest}"
    mark, inside = folder / ".installed", folder / "bin/python"
    folder.parent.mkdir(exist_ok=True)
    # one at a time, be it another program of this run or another run
    with open(f"{folder}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not mark.exists():
            install(python, needs, folder)
            mark.touch()
    return str(inside)


def install(python: str, needs: tuple[str, ...], folder: Path) -> None:
    print(f"score: installing {' '.join(needs)} into {folder.relative_to(ROOT)}", file=sys.stderr)
    subprocess.run([python, "-m", "venv", "--clear", str(folder)], check=True,
                   stdin=subprocess.DEVNULL)
    pip = [str(folder / "bin/python"), "-m", "pip", "--disable-pip-version-check", "install",
           "--quiet", *needs]
    done = subprocess.run(pip, stdin=subprocess.DEVNULL, text=True, capture_output=True,
                          timeout=SECONDS)
    if done.returncode:
        lines = done.stderr.splitlines() or ["pip says nothing"]
        last = [line for line in lines if "rror" in line] or lines
        raise RuntimeError(f"cannot install {' '.join(needs)}: {last[-1].strip()}")


# One run, and what it came to.


def in_words(file: Path) -> str:
    """What the developer of the program would read."""
    done = subprocess.run([str(lens.EXE), "diagnose", "-v", str(file)], text=True, capture_output=True,
                          env={**os.environ, "COLUMNS": COLUMNS}, stdin=subprocess.DEVNULL,
                          timeout=SECONDS)
    return done.stdout + done.stderr


def fits(answer: key.Leak, finding: dict) -> str:
    """right, holder or cause: how far a finding agrees with an answer."""
    if finding["cause"] not in answer.causes:
        return "cause"
    holder = finding["holder"]
    named = set(answer.holder) <= lens.words(holder["name"]) and holder["kind"] in answer.kinds
    if not answer.holder and answer.says:  # nothing holds it: then the types and edges are named
        named = named and bool(set(answer.says) & lens.words(finding))
    return "right" if named else "holder"


def judge(case: Case, diagnosis: dict) -> Judgement:
    verdict, findings = diagnosis["verdict"], diagnosis["findings"]
    accused = [finding for finding in findings if finding["confidence"] in ACCUSING]
    first = findings[0]["cause"] if findings else ""
    causes = tuple(finding["cause"] for finding in accused)
    if case.expect == "unaccused":
        return Judgement("accused", first, given=causes) if verdict == "leak" else Judgement("right")
    if case.expect == "silent":
        if verdict == "no-leak" and not findings:
            return Judgement("right")
        return Judgement("accused" if verdict == "leak" else "undecided", first, given=causes)
    if verdict != "leak":
        word = "undecided" if verdict == "undecided" else "silent"
        return Judgement(word, first, (word,) * len(case.answers))
    # as many first findings as there are leaks
    leading, behind = accused[:len(case.answers)], accused[len(case.answers):]
    agreed = [[fits(answer, finding) for finding in leading] for answer in case.answers]
    words = tuple(next((word for word in ("right", "holder") if word in row), "cause")
                  for row in agreed)
    given = tuple(finding["cause"] for at, finding in enumerate(leading)
                  if all(row[at] != "right" for row in agreed))
    named = {finding["holder"]["name"] for finding in leading}
    beside = tuple(f"{finding['cause']} {finding['holder']['name']}" for finding in behind
                   if finding["holder"]["name"] not in named)
    word = next((word for word in ("cause", "holder") if word in words), "right")
    return Judgement(word, first, words, given, beside)


def said(diagnosis: dict) -> str:
    """What has to be the same in every repetition: the verdict, its first cause and holder."""
    if not diagnosis:
        return "nothing"
    first = next(iter(diagnosis["findings"]), None)
    about = f", {first['cause']} `{first['holder']['name']}`" if first else ""
    return diagnosis["verdict"] + about


def slug(case: Case) -> str:
    return re.sub(r"[^A-Za-z0-9.]+", "-", case.name).strip("-")


def run(case: Case, repetition: int, options: argparse.Namespace, pythons: dict[str, str],
        out: Path) -> Outcome:
    python = pythons.get(case.python)
    if python is None:
        return Outcome(case, repetition, "skipped", text=f"no CPython {case.python} here")
    began = time.monotonic()
    file = out / f"{slug(case)}.{repetition}.hlens"
    variables = {}
    if options.seeds:
        variables["PYTHONHASHSEED"] = str(repetition)
    try:
        if case.needs:
            python = environment(python, case.needs)
        arguments = list(case.arguments)
        if case.takes_size:
            arguments.insert(1, str(options.size))
        with tempfile.TemporaryDirectory() as fresh:
            began = time.monotonic()
            watched = lens.watch(arguments, case.folder or Path(fresh), file, python=python,
                                 variables=variables, seconds=int(SECONDS * max(1, options.size / 4)))
    except (AssertionError, OSError, RuntimeError, subprocess.SubprocessError, ValueError) as error:
        return Outcome(case, repetition, "failed", text=str(error).strip()[-600:])
    seconds = time.monotonic() - began
    judged = judge(case, watched.diagnosis)
    word = judged.word
    text = lens.brief(watched.diagnosis)
    if watched.status != case.status:
        word = "failed"
        text = f"ended with status {watched.status}\n{watched.stdout[-300:]}\n{text}"
    outcome = Outcome(case, repetition, word, judged, seconds, text, watched.diagnosis)
    (out / f"{slug(case)}.{repetition}.json").write_text(json.dumps(watched.diagnosis, indent=1))
    (out / f"{slug(case)}.{repetition}.txt").write_text(in_words(file))
    if not outcome.wrong and not case.waits:
        file.unlink(missing_ok=True)
    return outcome


# The matrix.


def percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


def matrix(outcomes: list[Outcome]) -> list[list[str]]:
    """One row a cause: how often it was to be found, what was found instead, where else it was."""
    counted = [o for o in outcomes if not o.case.waits and o.word not in ("skipped", "failed")]
    rows: dict[str, Counter] = defaultdict(Counter)
    others: dict[str, Counter] = defaultdict(Counter)
    for outcome in counted:
        for answer, word in zip(outcome.case.answers, outcome.judged.words):
            cause = answer.causes[0]
            rows[cause]["programs"] += 1
            rows[cause][word] += 1
            if word == "cause":
                others[cause][next(iter(outcome.judged.given), outcome.judged.got)] += 1
        for cause in outcome.judged.given:
            rows[cause]["elsewhere"] += 1
    table = [["cause", "runs", "right", "wrong holder", "other cause", "undecided", "silent",
              "recall", "wrongly given", "precision"]]
    order = [*key_causes(), *sorted(set(rows) - set(key_causes()))]
    total: Counter = Counter()
    for cause in order:
        row = rows.get(cause)
        if not row:
            continue
        total.update(row)
        wrong = ", ".join(f"{name} {count}" for name, count in others[cause].most_common())
        table.append([cause, row["programs"], row["right"], row["holder"], wrong or 0,
                      row["undecided"], row["silent"], percent(row["right"], row["programs"]),
                      row["elsewhere"], percent(row["right"], row["right"] + row["elsewhere"])])
    table.append(["**all leaks**", total["programs"], total["right"], total["holder"],
                  total["cause"], total["undecided"], total["silent"],
                  percent(total["right"], total["programs"]), total["elsewhere"],
                  percent(total["right"], total["right"] + total["elsewhere"])])
    return [[str(cell) for cell in row] for row in table]


def key_causes() -> list[str]:
    seen: dict[str, None] = {}
    for answer in [*key.LEAKS, *(entry.answer for entry in corpus.PROGRAMS if entry.answer)]:
        seen.setdefault(answer.causes[0])
    return list(seen)


def healthy(outcomes: list[Outcome]) -> list[list[str]]:
    table = [["healthy programs", "runs", "silent", "undecided", "accused"]]
    total: Counter = Counter()
    for group in ("leaks", "healthy", "planted", "packages"):
        row = Counter(o.word for o in outcomes if o.case.group == group
                      and o.case.expect != "leak" and not o.case.waits)
        row.pop("skipped", None)
        row.pop("failed", None)
        if row:
            total.update(row)
            table.append([corpus.GROUPS[group], row.total() if hasattr(row, "total")
                          else sum(row.values()), row["right"], row["undecided"], row["accused"]])
    table.append(["**all**", sum(total.values()), total["right"], total["undecided"],
                  total["accused"]])
    return [[str(cell) for cell in row] for row in table]


def markdown(table: list[list[str]]) -> str:
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    lines = ["| " + " | ".join(cell.ljust(widths[i]) for i, cell in enumerate(row)) + " |"
             for row in table]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def got(outcome: Outcome) -> str:
    if not outcome.diagnosis:
        return f"{outcome.word}: {outcome.text}"
    diagnosis = outcome.diagnosis
    said = [f"{diagnosis['verdict']}"]
    if diagnosis["findings"]:
        first = diagnosis["findings"][0]
        said.append(f"{first['cause']} ({first['confidence']}), {first['holder']['kind']} "
                    f"`{first['holder']['name']}`: {first['title']}")
    elif diagnosis.get("why"):
        said.append(diagnosis["why"])
    observed = diagnosis["observed"]
    said.append(f"[{observed['snapshots']} snapshots, {observed['seconds']:.1f} s]")
    return "; ".join(said)


def expected(case: Case) -> str:
    if case.expect != "leak":
        return "no finding" if case.expect == "silent" else "no accusation"
    return " and ".join(f"{' or '.join(answer.causes)}, `{' '.join(answer.holder) or '-'}` "
                        f"({' or '.join(answer.kinds) if answer.kinds != corpus.ANY else 'any'})"
                        for answer in case.answers)


def page(outcomes: list[Outcome], options: argparse.Namespace, version: str) -> str:
    tool = next((o.diagnosis["tool"]["version"] for o in outcomes if o.diagnosis), "?")
    leaks = [o for o in outcomes if not o.case.waits and o.word not in ("skipped", "failed")]
    undecided = sum(o.word == "undecided" for o in leaks)
    how = [f"{len({o.case.name for o in leaks})} programs", f"{len(leaks)} runs"]
    if options.busy:
        how.append("machine kept busy")
    if options.seeds:
        how.append("hash seeds varied")
    if options.size != 1:
        how.append(f"{options.size:g} times the size")
    lines = [f"Measured {datetime.date.today()}: heaplens {tool}, CPython {version}, "
             f"{platform.machine()}, {', '.join(how)}.", "", markdown(matrix(outcomes)), "",
             markdown(healthy(outcomes)), "",
             f"Undecided: {undecided} of {len(leaks)} runs ({percent(undecided, len(leaks))})."]
    beside = [o for o in leaks if o.judged.beside]
    if beside:
        count = sum(len(o.judged.beside) for o in beside)
        lines += ["", f"Accused beside a leak, not counted above: {count} in {len(beside)} runs."]
    failed = sorted({o.case.name for o in outcomes if o.word == "failed"})
    if failed:
        lines += ["", "Could not be judged, not counted above: " + ", ".join(failed) + "."]
    if options.repeat > 1:
        lines += ["", *repetitions(outcomes)]
    waiting = sorted({o.case.name for o in outcomes if o.case.waits and o.case.expect == "leak"})
    if waiting:
        lines += ["", "Not counted, what C code loses there is small, or no memory of Python's allocators: "
                  + ", ".join(name.split("/")[-1] for name in waiting) + "."]
    return "\n".join(lines) + "\n"


def repetitions(outcomes: list[Outcome]) -> list[str]:
    """Was the same verdict given twice in a row, and thrice?"""
    runs: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        if outcome.word != "skipped":
            runs[outcome.case.name].append(outcome)
    moody = {name: row for name, row in sorted(runs.items())
             if len({said(outcome.diagnosis) for outcome in row}) > 1}
    most = max((len(row) for row in runs.values()), default=0)
    lines = [f"The same verdict, cause and holder each time, in {most} runs: "
             f"{len(runs) - len(moody)} of {len(runs)} programs."]
    for name, row in moody.items():
        lines += ["", f"- {name}", *(f"  - #{o.repetition}: {said(o.diagnosis)}"
                                     for o in sorted(row, key=lambda o: o.repetition))]
    return lines


def misses(outcomes: list[Outcome]) -> str:
    lines = []
    for outcome in outcomes:
        if outcome.wrong:
            lines.append(f"{outcome.case.name} #{outcome.repetition}: {outcome.word}\n"
                         f"    expected  {expected(outcome.case)}\n    got       {got(outcome)}")
        if outcome.judged.beside:
            lines.append(f"{outcome.case.name} #{outcome.repetition}: accused beside the leak: "
                         + "; ".join(outcome.judged.beside))
    return "\n".join(lines)


class Busy:
    """Two processes that spin while the corpus runs, ended by their own ids."""

    def __enter__(self) -> Busy:
        self.spinning = [subprocess.Popen([sys.executable, "-c", SPIN]) for _ in range(2)]
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.spinning:
            process.kill()
            process.wait()


def select(options: argparse.Namespace) -> list[Case]:
    cases = [*small_cases(), *large_cases()]
    if options.group:
        cases = [case for case in cases if case.group in options.group]
    if options.size != 1:
        cases = [case for case in cases if case.takes_size]
    if options.match:
        cases = [case for case in cases if re.search(options.match, f"{case.group}/{case.name}")]
    return cases


def work(cases: list[Case], options: argparse.Namespace, pythons: dict[str, str],
         out: Path) -> list[Outcome]:
    out.mkdir(parents=True, exist_ok=True)
    jobs = [(case, repetition) for repetition in range(options.repeat) for case in cases]
    outcomes = []

    def one(job: tuple[Case, int]) -> Outcome:
        outcome = run(*job, options, pythons, out)
        if not options.quiet:
            wait = " (waits)" if outcome.case.waits else ""
            print(f"{outcome.word + wait:18} {outcome.seconds:5.1f} s  {outcome.case.name}",
                  file=sys.stderr, flush=True)
        return outcome

    with ThreadPoolExecutor(options.jobs) as pool:
        outcomes = list(pool.map(one, jobs))
    return outcomes


def options_of(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="score.py", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--group", action="append", choices=list(corpus.GROUPS),
                        help="only this group; may be given again")
    parser.add_argument("--match", metavar="REGEX", help="only programs whose name matches")
    parser.add_argument("--repeat", type=int, default=1, metavar="N", help="runs of each program")
    parser.add_argument("--python", help="the interpreter to watch")
    parser.add_argument("--seeds", action="store_true",
                        help="PYTHONHASHSEED is 0 in the first repetition, 1 in the next, ...")
    parser.add_argument("--busy", action="store_true", help="keep two processes spinning meanwhile")
    parser.add_argument("--size", type=float, default=1, metavar="FACTOR",
                        help="how much more the larger programs do; the small ones, which have no "
                        "size, are left out then")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="programs at a time")
    parser.add_argument("--output", type=Path, default=ROOT / "build/score.md", metavar="FILE")
    parser.add_argument("--list", action="store_true", help="name the programs and their answers")
    parser.add_argument("--quiet", action="store_true", help="no line for each program")
    options = parser.parse_args(arguments)
    options.output = options.output.resolve()
    if options.output.is_dir():
        parser.error(f"{options.output} is a folder: name a file in it")
    return options


def main(arguments: list[str]) -> int:
    options = options_of(arguments)
    cases = select(options)
    if not cases:
        print("score: no program is called so", file=sys.stderr)
        return 2
    if options.list:
        for case in cases:
            print(f"{case.name:56} {expected(case)}{'; waits' if case.waits else ''}")
        return 0
    pythons = interpreters(options.python)
    out = options.output.parent / options.output.stem
    if options.busy:
        with Busy():
            outcomes = work(cases, options, pythons, out)
    else:
        outcomes = work(cases, options, pythons, out)
    text = page(outcomes, options, version_of(pythons[""]))
    options.output.write_text(text)
    print(text)
    wrong = misses(outcomes)
    if wrong:
        print(wrong)
    for outcome in outcomes:
        if outcome.word == "skipped":
            print(f"not run: {outcome.case.name}: {outcome.text}")
    if any(outcome.wrong and outcome.word != "failed" for outcome in outcomes):
        return 1
    return 2 if any(outcome.word == "failed" for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
