# SPDX-License-Identifier: MIT
"""The functions of python.lua. Nothing of Ork is needed here, so they can be tried and tested alone."""
import os
import re
from collections import Counter
from dataclasses import dataclass


@dataclass
class Files:
    files: list[str]


@dataclass
class Words:
    words: dict[str, int]


@dataclass
class Most:
    word: str
    times: int


def find(folder: str, names: list[str]) -> Files:
    return Files([os.path.join(folder, name) for name in names])


def count(file: str, least: int = 10) -> Words:
    with open(file, encoding="utf-8") as text:
        found = Counter(w for w in re.findall("[a-z]+", text.read().lower()) if len(w) >= least)
    print(file, "has", len(found), "of them")
    return Words(dict(found.most_common(20)))


def most(counts: list[dict[str, int] | None]) -> Most:
    total = Counter()
    for each in counts:
        total.update(each or {})
    return Most(*total.most_common(1)[0])
