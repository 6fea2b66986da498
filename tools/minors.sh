# Sourced: the minor releases of CPython that heaplens reads (src/inside/inside_abi.h checks again).
# shellcheck shell=bash disable=SC2034
supported_minors=(3.9 3.10 3.11 3.12 3.13 3.14 3.15)
