# SPDX-License-Identifier: Apache-2.0
"""What the suites share."""

import pathlib

TOP = pathlib.Path(__file__).resolve().parent.parent
FLAVOURS = ("release", "asan")


def flavours(config):
    only = config.getoption("--flavour")
    return (only,) if only else FLAVOURS


def say(text, **kw):
    """The arguments of a chat that asks the stub to echo text."""
    return dict(model="stub", messages=[{"role": "user", "content": text}], **kw)
