"""Leak: as many modules as a service has are imported first; then each request is kept."""
import asyncio  # noqa: F401
import concurrent.futures  # noqa: F401
import ctypes  # noqa: F401
import decimal  # noqa: F401
import email.mime.multipart  # noqa: F401
import http.cookiejar  # noqa: F401
import http.server  # noqa: F401
import logging.config  # noqa: F401
import multiprocessing  # noqa: F401
import pydoc  # noqa: F401
import sqlite3  # noqa: F401
import unittest.mock  # noqa: F401
import xml.dom.minidom  # noqa: F401
import xmlrpc.client  # noqa: F401

seen = []


def handle(number):
    request = {"path": "/item/%d" % number, "headers": {"accept": "text/html", "n": str(number)}}
    seen.append(request)
    return sum(range(120)) + len(request["path"])


def main():
    print(sum(handle(number) for number in range(100_000)))


main()
