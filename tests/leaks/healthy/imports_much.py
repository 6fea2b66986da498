"""Healthy: nearly all that it does is to import; then a little work that keeps nothing."""
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

print(sum(len(str(number)) for number in range(50_000)))
