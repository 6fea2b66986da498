"""Leak: an asyncio queue with one slow consumer; run as a package."""
import asyncio

from .stream import run

print(asyncio.run(run(15_000)))
