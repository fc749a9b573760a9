# SPDX-License-Identifier: MIT
"""Tells the signatures of the functions of Python files, as types of Ork, without importing them.

    python3 inspect_task.py FILE…

One line of JSON on stdout: {FILE: {"functions": {NAME: F}} or {"error": TEXT, "line": N}}, F =
{"line": N, "rest": bool, "inputs": [{"name", "type", "hint", "optional"}], "output": T or null, "hint": text or null}.
A hint that says nothing to Ork is "any". Python 3.8 and later.
"""

import ast
import json
import sys

SCALARS = {"str": "str", "int": "int", "float": "float", "bool": "bool", "date": "date"}
LISTS = {"list", "List", "Sequence", "Iterable", "Collection", "MutableSequence", "tuple", "Tuple", "set", "Set",
         "frozenset", "FrozenSet"}
OBJECTS = {"dict", "Dict", "Mapping", "MutableMapping", "OrderedDict", "defaultdict"}
MOST_DEEP = 20


def text_of(node):
    return ast.unparse(node) if node is not None and hasattr(ast, "unparse") else None


def name_of(node):
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else None


def optional(kind):
    if isinstance(kind, str):
        return kind if kind == "any" or kind.endswith("?") else kind + "?"
    return kind if isinstance(kind, list) and len(kind) == 2 else ["?", kind]


class Types:
    def __init__(self, tree):
        self.named = {}  # what names of the file stand for: classes, aliases
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                self.named[node.name] = node
            elif isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                self.named[node.targets[0].id] = node.value
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
                self.named[node.target.id] = node.value
            elif node.__class__.__name__ == "TypeAlias":
                self.named[node.name.id] = node.value

    def is_record(self, node):
        """A class whose annotated fields are those of its JSON."""
        marks = {name_of(d.func if isinstance(d, ast.Call) else d) for d in node.decorator_list}
        bases = {name_of(b) for b in node.bases}
        return "dataclass" in marks or bases & {"TypedDict", "BaseModel"}

    def record(self, node, deep):
        fields = {}
        total = not any(k.arg == "total" and isinstance(k.value, ast.Constant) and k.value.value is False
                        for k in node.keywords)
        for base in node.bases:
            parent = self.named.get(name_of(base) or "")
            if isinstance(parent, ast.ClassDef) and self.is_record(parent) and deep < MOST_DEEP:
                fields.update(self.record(parent, deep + 1))
        for each in node.body:
            if not isinstance(each, ast.AnnAssign) or not isinstance(each.target, ast.Name):
                continue
            hint, missing = each.annotation, not total or each.value is not None
            outer = name_of(hint.value) if isinstance(hint, ast.Subscript) else name_of(hint)
            if outer == "ClassVar":
                continue
            if outer in ("NotRequired", "Required"):
                missing, hint = outer == "NotRequired", hint.slice
            kind = self.of(hint, deep + 1)
            fields[each.target.id] = optional(kind) if missing else kind
        return fields

    def union(self, parts, deep):
        kinds = [self.of(p, deep + 1) for p in parts if not (isinstance(p, ast.Constant) and p.value is None)
                 and name_of(p) != "NoneType"]
        null = len(kinds) < len(parts)
        if {"int", "float"} == {k for k in kinds if isinstance(k, str)} and len(kinds) == 2:
            kinds = ["float"]
        kind = kinds[0] if len(kinds) == 1 else "any"
        return optional(kind) if null else kind

    def subscript(self, node, deep):
        outer = name_of(node.value)
        inner = node.slice
        if inner.__class__.__name__ == "Index":  # Python 3.8
            inner = inner.value
        parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
        if outer == "Optional":
            return optional(self.of(parts[0], deep + 1))
        if outer == "Union":
            return self.union(parts, deep)
        if outer in ("Annotated", "Final", "Required", "NotRequired"):
            return self.of(parts[0], deep + 1)
        if outer in ("Awaitable", "Coroutine"):
            return self.of(parts[-1], deep + 1)
        if outer in ("tuple", "Tuple"):
            kinds = [self.of(p, deep + 1) for p in parts if not (isinstance(p, ast.Constant) and p.value is Ellipsis)]
            return [kinds[0]] if kinds and all(k == kinds[0] for k in kinds) else ["any"]
        if outer in LISTS:
            return [self.of(parts[0], deep + 1)]
        if outer in OBJECTS:
            return {}
        if outer == "Literal":
            kinds = {type(p.value).__name__ for p in parts if isinstance(p, ast.Constant)}
            return SCALARS.get(kinds.pop(), "any") if len(kinds) == 1 else "any"
        return "any"

    def of(self, node, deep=0):
        if node is None or deep > MOST_DEEP:
            return "any"
        if isinstance(node, ast.Constant) and isinstance(node.value, str):  # "Row", in quotes
            try:
                return self.of(ast.parse(node.value, mode="eval").body, deep + 1)
            except SyntaxError:
                return "any"
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            parts, left = [], node
            while isinstance(left, ast.BinOp) and isinstance(left.op, ast.BitOr):
                parts.insert(0, left.right)
                left = left.left
            return self.union([left] + parts, deep)
        if isinstance(node, ast.Subscript):
            return self.subscript(node, deep)
        name = name_of(node)
        known = self.named.get(name) if isinstance(node, ast.Name) else None
        if isinstance(known, ast.ClassDef):
            return self.record(known, deep + 1) if self.is_record(known) else "any"
        if isinstance(known, (ast.Subscript, ast.Name, ast.Attribute, ast.BinOp)):
            return self.of(known, deep + 1)
        if name in SCALARS:
            return SCALARS[name]
        return ["any"] if name in LISTS else {} if name in OBJECTS else "any"


def function(types, node):
    a = node.args
    plain = list(getattr(a, "posonlyargs", [])) + list(a.args)
    first = len(plain) - len(a.defaults)
    inputs = [(p, i >= first) for i, p in enumerate(plain)]
    inputs += [(p, default is not None) for p, default in zip(a.kwonlyargs, a.kw_defaults)]
    nothing = isinstance(node.returns, ast.Constant) and node.returns.value is None
    return {
        "line": node.lineno,
        "rest": a.kwarg is not None,
        "inputs": [{"name": p.arg, "type": types.of(p.annotation), "hint": text_of(p.annotation), "optional": default}
                   for p, default in inputs],
        "output": None if nothing or node.returns is None else types.of(node.returns),
        "hint": text_of(node.returns),
    }


def look(path):
    try:
        with open(path, "rb") as file:
            tree = ast.parse(file.read(), path)
    except SyntaxError as error:
        return {"error": "%s" % error.msg, "line": error.lineno or 0}
    except (OSError, ValueError, RecursionError) as error:
        return {"error": getattr(error, "strerror", None) or str(error), "line": 0}
    types = Types(tree)
    found = {}
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            found[node.name] = function(types, node)
        elif isinstance(node, (ast.ClassDef, ast.Assign, ast.ImportFrom, ast.Import, ast.If, ast.Try)):
            for name in names_in(node):  # a function made in another way: it is there, and says nothing
                found.setdefault(name, None)
    return {"functions": found}


def names_in(node):
    if isinstance(node, ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Assign):
        return [t.id for t in node.targets if isinstance(t, ast.Name)]
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return [(n.asname or n.name.split(".")[0]) for n in node.names]
    return [n for each in ast.walk(node) if each is not node and isinstance(each, ast.stmt)
            for n in ([each.name] if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef)) else
                      names_in(each) if isinstance(each, (ast.ClassDef, ast.Assign, ast.ImportFrom, ast.Import)) else [])]


if __name__ == "__main__":
    print(json.dumps({path: look(path) for path in sys.argv[1:]}))
