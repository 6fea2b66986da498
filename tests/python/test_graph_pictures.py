"""heaplens.graph: the picture of what is around an object, with a real `dot` and without."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import weakref
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import heaplens

GRAPHVIZ = shutil.which("dot")
HOSTILE = [
    '"];n9[label="gone',
    "back\\slash\\",
    '\\"',
    "\\n\\l\\N\\G\\E",
    "two\nlines\r",
    "\x1b[31mred\x07",
    "{record|<port>field}",
    "<b>html</b> &lt; &#10; &bad; &",
    "\u202ereversed",
    "字é",
    "a -> b; /* c */ # }",
    "--><!--",
]


class Session:
    pass


class Slotted:
    __slots__ = ("__weakref__", "payload")


registry: dict[str, Any] = {}


@pytest.fixture(autouse=True)
def empty():
    yield
    registry.clear()


def edges(picture: heaplens.Picture) -> set[tuple[str, str, str]]:
    nodes = picture.nodes
    return {
        (nodes[e["from"]]["type"].rpartition(".")[2], label, nodes[e["to"]]["type"].rpartition(".")[2])
        for e in picture.edges
        for label in e["labels"] or [""]
    }


def fake_dot(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    """A `dot` of our own, and no other on PATH."""
    dot = folder / "dot"
    dot.write_text(f"#!/bin/sh\n{body}\n")
    dot.chmod(0o755)
    monkeypatch.setenv("HEAPLENS_EXE", os.environ.get("HEAPLENS_EXE") or _executable())
    tools = folder / "tools"
    tools.mkdir()
    for name in ("cat", "sh", "head"):
        (tools / name).symlink_to(shutil.which(name) or f"/bin/{name}")
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{tools}")


def _executable() -> str:
    from heaplens._native import executable

    return executable()


def test_holders_up_to_the_roots():
    session = Session()
    registry["a"] = [session]
    owner = Slotted()
    owner.payload = session
    registry["b"] = owner
    picture = heaplens.graph(session)
    told = edges(picture)
    assert ("list", "[*]", "Session") in told
    assert ("Slotted", ".payload", "Session") in told
    assert ("module", ".registry", "dict") in told
    assert not any(node["type"] == "frame" for node in picture.nodes[:4]), picture.dot
    assert picture.nodes[0]["target"] and picture.nodes[0]["retained_bytes"] >= 16
    assert str(picture) == picture.dot and picture.dot.startswith("digraph")
    assert "local session" not in picture.dot


def test_the_last_reference_without_which_it_goes():
    session = Session()
    registry["only"] = [session]
    picture = heaplens.graph(session)
    guilty = [e for e in picture.edges if e["guilty"]]
    assert [picture.nodes[e["from"]]["type"] for e in guilty] == ["list"]
    registry["another"] = (session,)  # now it has two ways, and the dict both
    picture = heaplens.graph(session)
    guilty = [e for e in picture.edges if e["guilty"]]
    assert [e["labels"] for e in guilty] == [[".registry"]]


def test_a_closure_is_one_edge():
    rows = [bytearray(10) for _ in range(50)]

    def handler() -> int:
        return len(rows)

    registry["handler"] = handler
    told = edges(heaplens.graph(rows))
    assert ("function", "closure rows", "list") in told
    assert not any("cell" in (a, b) for a, _, b in told)


def test_what_it_refers_to_and_what_is_alike():
    session = Session()
    session.rows = [bytearray(1000) for _ in range(500)]
    session.numbers = [10**6 + i for i in range(300)]
    picture = heaplens.graph(session, refs=True)
    told = edges(picture)
    assert ("Session", ".rows", "list") in told and ("list", "[*]", "bytearray") in told
    many = [n for n in picture.nodes if n["type"] == "bytearray"]
    assert [n["objects"] for n in many] == [500]
    assert many[0]["bytes"] >= 500_000
    leaves = [n for n in picture.nodes if n["kind"] == "leaves" and n["type"] == "int"]
    assert [n["objects"] for n in leaves] == [300]


def test_cycles_have_a_colour_and_weak_references_are_dashed():
    parent, child = Session(), Session()
    parent.child, child.parent = child, parent
    weak = weakref.ref(parent)
    registry["weak"] = weak
    picture = heaplens.graph(parent)
    assert {n["cycle"] for n in picture.nodes[:2]} == {1}
    assert sum(e["cycle"] for e in picture.edges) == 2
    weakly = [e for e in picture.edges if e["weak"]]
    assert len(weakly) == 1 and "style=dashed" in picture.dot


def test_no_more_than_asked_for():
    session = Session()
    keep = [type(f"Holder{i}", (), {})() for i in range(30)]
    for holder in keep:
        holder.it = session
    registry["keep"] = keep
    picture = heaplens.graph(session, max_nodes=10)
    assert len(picture.nodes) == 10 and picture.left_out >= 20
    assert "… " in picture.dot
    assert {n["distance"] for n in heaplens.graph(session, depth=1).nodes} == {0, 1}
    for bad in ({"depth": 0}, {"max_nodes": 0}):
        with pytest.raises(ValueError, match="at least 1"):
            heaplens.graph(session, **bad)


def test_from_a_thread():
    answers: list[heaplens.Picture] = []

    def work() -> None:
        session = Session()
        answers.append(heaplens.graph(session))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert len(answers[0].nodes) == 1, answers[0].dot
    assert "nothing but the question" in (answers[0].nodes[0]["note"] or ""), answers[0].dot


def test_files(tmp_path: Path):
    session = Session()
    registry["a"] = session
    picture = heaplens.graph(session, tmp_path / "x.dot")
    assert picture.dot is None and str(picture) == str(tmp_path / "x.dot")
    assert (tmp_path / "x.dot").read_text().startswith("digraph")
    with pytest.raises(heaplens.Error, match="exists already"):
        heaplens.graph(session, tmp_path / "x.dot")
    heaplens.graph(session, tmp_path / "x.dot", overwrite=True)
    with pytest.raises(heaplens.Error, match=r"\.svg, \.png or \.dot") as told:
        heaplens.graph(session, tmp_path / "x.gif")
    assert told.value.exit_code == 2
    with pytest.raises(heaplens.Error, match="cannot create"):
        heaplens.graph(session, tmp_path / "nowhere" / "x.dot")
    assert os.listdir(tmp_path) == ["x.dot"]


def test_what_has_no_picture():
    with pytest.raises(heaplens.Error, match="nothing has to hold it"):
        heaplens.graph(None)
    if sys.version_info < (3, 11):  # the stack of who asks has a reference of its own
        assert "nothing but the question" in (heaplens.graph(float("1.5")).nodes[0]["note"] or "")
        return
    with pytest.raises(heaplens.Error, match="counted with its holder") as told:
        heaplens.graph(float("1.5"))
    assert told.value.exit_code == 5


def test_a_dot_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    fake_dot(tmp_path, monkeypatch, "exit 0")
    (tmp_path / "dot").unlink()
    session = Session()
    with pytest.raises(heaplens.Error, match="install Graphviz .*-o X.dot works without it") as told:
        heaplens.graph(session, tmp_path / "x.svg")
    assert told.value.exit_code == 4
    heaplens.graph(session, tmp_path / "x.dot")


def test_a_dot_that_draws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    fake_dot(tmp_path, monkeypatch, 'echo "$*"; cat')
    session = Session()
    registry["many"] = {i: Session() for i in range(5)}
    for kind in ("svg", "png"):
        heaplens.graph(session, tmp_path / f"x.{kind}", refs=True)
        assert (tmp_path / f"x.{kind}").read_text().startswith(f"-T{kind}\ndigraph heaplens {{")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("echo 'Error: no font' >&2; cat >/dev/null; exit 1", r"exit 1\): Error: no font"),
        ("kill -9 $$", "signal 9"),
        ("cat >/dev/null", "drew nothing"),
        ("head -c 1 >/dev/null; echo half; exit 2", "exit 2"),
    ],
)
def test_a_dot_that_fails(body: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    fake_dot(tmp_path, monkeypatch, body)
    (tmp_path / "x.svg").write_text("old")
    session = Session()
    with pytest.raises(heaplens.Error, match=said) as told:
        heaplens.graph(session, tmp_path / "x.svg", overwrite=True)
    assert told.value.exit_code == 4
    assert (tmp_path / "x.svg").read_text() == "old"
    assert sorted(os.listdir(tmp_path)) == ["dot", "tools", "x.svg"]


def shown(name: str) -> str:
    """As hl_out_safe writes it: controls and marks of direction by their bytes."""
    hidden = {c for c in name if ord(c) < 32 or c in "\x7f\u202e"}
    for c in hidden:
        name = name.replace(c, "".join(f"\\x{b:02x}" for b in c.encode()))
    return name


@pytest.mark.skipif(GRAPHVIZ is None, reason="Graphviz is not installed: a fake dot is used above")
def test_graphviz_reads_hostile_names_as_they_are(tmp_path: Path):
    whole = Session()
    registry["whole"] = whole
    for i, name in enumerate(HOSTILE):
        part = type(name, (), {"__module__": "m"})()
        setattr(whole, f"{name} {i}", part)
    heaplens.graph(whole, tmp_path / "x.svg", refs=True, depth=1)
    tree = ElementTree.parse(tmp_path / "x.svg")
    svg = "{http://www.w3.org/2000/svg}"
    texts = {"".join(t.itertext()).strip().replace("\xa0", " ") for t in tree.iter(f"{svg}text")}
    nodes = [g for g in tree.iter(f"{svg}g") if g.get("class") == "node"]
    assert len(nodes) >= 1 + len(HOSTILE)
    for i, name in enumerate(HOSTILE):
        assert f"m.{shown(name)}" in texts, (name, texts)
        assert f".{shown(name)} {i}" in texts, (name, texts)


@pytest.mark.skipif(GRAPHVIZ is None, reason="Graphviz is not installed: a fake dot is used above")
def test_graphviz_draws(tmp_path: Path):
    session = Session()
    session.self = session
    session.rows = [bytearray(1000) for _ in range(500)]
    heaplens.graph(session, tmp_path / "x.svg", refs=True)
    heaplens.graph(session, tmp_path / "x.png")
    assert "500 × bytearray" in (tmp_path / "x.svg").read_text()
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")
