"""Decoy: a program that imports much of the standard library late, then computes."""
import importlib

names = ("asyncio", "email.message", "http.client", "http.server", "xml.dom.minidom", "decimal",
         "unittest.mock", "concurrent.futures", "multiprocessing", "sqlite3", "ctypes", "tarfile",
         "zipfile", "difflib", "doctest", "pydoc", "ssl", "statistics", "fractions", "html.parser")
loaded = [importlib.import_module(name) for name in names]
total = 0
for number in range(6_000):
    total += sum(i * i % 7 for i in range(number % 900))
print(len(loaded), total)
