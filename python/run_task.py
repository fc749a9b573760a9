# SPDX-License-Identifier: MIT
"""Calls the Python function of a task.

Ork starts it as `python3 run_task.py` (in a project `uv run python3 run_task.py`) for one attempt:

    ORK_TASK_FILE or ORK_TASK_MODULE, ORK_TASK_FUNCTION (main if empty)   what to call
    ORK_INPUT_FILE, else ORK_INPUT_JSON                                    its inputs, a JSON object
    ORK_OUTPUT_FILE                                                        where what it returns is written, as JSON

What fails is told in two ways: a traceback of the user's own lines on stderr, which is the attempt's log, and its last
line in $ORK_OUTPUT_FILE, {"ork_failure": {kind, message, retry}} with exit code 1. Python 3.8 and later; only the
standard library.
"""

import importlib
import importlib.util
import inspect
import json
import os
import sys
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))


class Refusal(Exception):
    """Something is wrong around the function: kind, and a sentence."""

    def __init__(self, kind, text):
        super().__init__(text)
        self.kind = kind


def write_output(text):
    path = os.environ.get("ORK_OUTPUT_FILE")
    if path:
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
    else:  # started by hand
        print("ORK_OUTPUT:" + text)


def end(kind, message, retry=True):
    """The attempt has failed."""
    write_output(json.dumps({"ork_failure": {"kind": kind, "message": message[:4000], "retry": retry}}))
    sys.exit(1)


# ---- the function ----


def of_user(frames):
    """The frames of a traceback without ours and those of the import machinery."""
    return [f for f in frames if os.path.abspath(f.filename) != os.path.join(HERE, "run_task.py")
            and not f.filename.startswith("<frozen importlib")]


def place_of(frames):
    """The innermost line beside the task's file; of a library's if there is none."""
    folder = os.path.dirname(os.path.abspath(os.environ.get("ORK_TASK_FILE") or ""))
    beside = [f for f in frames if os.path.dirname(os.path.abspath(f.filename)) == folder]
    for f in (beside or frames)[-1:]:
        return "%s:%s: " % (os.path.basename(f.filename), f.lineno)
    return ""


def show_error(error):
    """Prints the traceback; returns what the task's row says: "extract.py:12: ValueError: no rows"."""
    told = traceback.TracebackException.from_exception(error)
    each, seen = told, set()
    while each is not None and id(each) not in seen:  # causes have frames of ours, too
        seen.add(id(each))
        each.stack[:] = of_user(each.stack)
        each = each.__cause__ or each.__context__
    print("".join(told.format()), file=sys.stderr, end="")
    text = "".join(told.format_exception_only()).strip().splitlines()
    if isinstance(error, SyntaxError) and error.filename:
        return "%s:%s: %s" % (os.path.basename(error.filename), error.lineno, text[-1] if text else "SyntaxError")
    return place_of(told.stack) + (text[0] if text else type(error).__name__)


def load_file(path):
    if not os.path.isfile(path):
        raise Refusal("policy", "there is no file %s" % path)
    folder = os.path.dirname(os.path.abspath(path))
    sys.path.insert(0, folder)
    name = os.path.splitext(os.path.basename(path))[0]
    if not name.isidentifier() or name in sys.modules:
        name = "ork_task_file"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None:
        raise Refusal("policy", "%s is no Python file" % path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickle look it up
    spec.loader.exec_module(module)
    return module


def find_function():
    file, module = os.environ.get("ORK_TASK_FILE"), os.environ.get("ORK_TASK_MODULE")
    name = os.environ.get("ORK_TASK_FUNCTION") or "main"
    shown = os.path.basename(file) if file else module
    if not file and not module:
        raise Refusal("policy", "neither ORK_TASK_FILE nor ORK_TASK_MODULE says what to call")
    try:
        found = load_file(file) if file else importlib.import_module(module)
    except Refusal:
        raise
    except SystemExit as error:
        raise Refusal("error", "%s calls sys.exit(%r) when it is imported" % (shown, error.code))
    except BaseException as error:
        end("error", "%s cannot be imported: %s" % (shown, show_error(error)))
    function = found
    for part in name.split("."):
        function = getattr(function, part, None)
        if function is None:
            names = sorted(n for n, f in vars(found).items() if inspect.isfunction(f) and f.__module__ == found.__name__)
            raise Refusal("policy", "%s has no function `%s`%s" % (
                shown, name, "; it has " + ", ".join(names[:10]) if names else ""))
    if not callable(function):
        raise Refusal("policy", "`%s` of %s is no function, but %s" % (name, shown, type(function).__name__))
    return function, "%s of %s" % (name, shown)


# ---- arguments ----


def read_input():
    path, text = os.environ.get("ORK_INPUT_FILE"), os.environ.get("ORK_INPUT_JSON")
    if path:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    value = json.loads(text or "{}")
    upstream = os.environ.get("ORK_UPSTREAM_JSON")
    if upstream and isinstance(value, dict):
        value.setdefault("upstream", json.loads(upstream))
    return value


def hints_of(function):
    import typing

    try:
        return typing.get_type_hints(function)
    except Exception:  # a name that is only there for type checkers
        return {}


MOST_DEEP = 100
fields_known = {}  # class → hints of its fields


class Unfit(Exception):
    """What cannot be made of a value: where in the input it stands, and why."""

    def __init__(self, path, text):
        super().__init__(text)
        self.path = path


def fields_of(hint, of):
    """The hints of a class's fields, read once: a list may have many of it."""
    if hint not in fields_known:
        fields_known[hint] = hints_of(of)
    return fields_known[hint]


def made_of(hint, value, path, deep):
    """An object of a class, of a dict with its fields. One that is null and has a default was left out: an input whose
    type is optional is there as null."""
    import dataclasses

    try:
        parameters = inspect.signature(hint).parameters
    except (TypeError, ValueError):
        return value
    fields = {k: v for k, v in value.items() if v is not None or k not in parameters
              or parameters[k].default is inspect.Parameter.empty}
    if hasattr(hint, "model_validate"):
        return hint.model_validate(fields)
    hints = fields_of(hint, hint if dataclasses.is_dataclass(hint) or issubclass(hint, tuple) else hint.__init__)
    if dataclasses.is_dataclass(hint):  # as with types of Ork, more fields than wanted are fine
        if not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):  # of an __init__ of its own
            fields = {k: v for k, v in fields.items() if k in parameters}
        for p in parameters.values():
            if p.name not in fields and p.default is p.empty and p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY):
                raise Unfit(path, "it lacks `%s`, which %s wants" % (p.name, hint.__name__))
    try:
        inspect.signature(hint).bind(**fields)
    except TypeError:  # it is made of something else: the function gets what came
        return value
    return hint(**{k: convert(v, hints.get(k), "%s.%s" % (path, k), deep + 1) for k, v in fields.items()})


def of_container(value, origin, inner, path, deep):
    import collections.abc

    if isinstance(value, list) and origin in (list, tuple, collections.abc.Sequence, collections.abc.MutableSequence,
                                              collections.abc.Iterable, collections.abc.Collection):
        kinds = inner if origin is tuple and inner[-1] is not Ellipsis else inner[:1] * len(value)
        if len(kinds) != len(value):
            raise Unfit(path, "wanted %d elements, got %d" % (len(kinds), len(value)))
        return [convert(each, kind, "%s[%d]" % (path, i), deep + 1) for i, (each, kind) in enumerate(zip(value, kinds))]
    if isinstance(value, dict) and len(inner) == 2 and isinstance(origin, type) and issubclass(
            origin, collections.abc.Mapping):
        return {k: convert(v, inner[1], "%s.%s" % (path, k), deep + 1) for k, v in value.items()}
    return value


def of_class(value, hint, path, deep):
    import dataclasses

    if inspect.isabstract(hint) or getattr(hint, "_is_protocol", False):  # nothing is made of these
        return value
    typed_dict = issubclass(hint, dict) and hasattr(hint, "__total__")
    if not isinstance(value, dict):
        if typed_dict or dataclasses.is_dataclass(hint):
            raise Unfit(path, "wanted an object for %s, got %s" % (hint.__name__, json.dumps(value)[:60]))
        return value
    if typed_dict:
        hints = fields_of(hint, hint)
        return {k: convert(v, hints.get(k), "%s.%s" % (path, k), deep + 1) for k, v in value.items()}
    if issubclass(hint, dict) or hint.__module__ == "builtins":
        return value
    return made_of(hint, value, path, deep)


def converted_value(value, hint, path, deep):
    import dataclasses
    import datetime
    import typing

    if hint is typing.Any:  # which is a class from Python 3.11 on
        return value
    inner, origin = typing.get_args(hint), typing.get_origin(hint)
    if hint is datetime.date and isinstance(value, str):
        return datetime.date.fromisoformat(value)
    if hint is datetime.datetime and isinstance(value, str):
        return datetime.datetime.fromisoformat(value[:-1] + "+00:00" if value.endswith("Z") else value)
    if isinstance(hint, dataclasses.InitVar):
        return convert(value, hint.type, path, deep)
    if inner and type(None) in inner and len(inner) == 2:  # Optional
        return convert(value, inner[1] if inner[0] is type(None) else inner[0], path, deep)
    if origin.__class__.__name__ == "_SpecialForm" and inner and origin.__name__ in ("Required", "NotRequired"):
        return convert(value, inner[0], path, deep)
    if inner:
        return of_container(value, origin, inner, path, deep)
    return of_class(value, hint, path, deep) if isinstance(hint, type) else value


def convert(value, hint, path, deep=0):
    """JSON has no dates and no classes: what a parameter, or a field of one, is annotated with makes one, if it can."""
    if value is None or hint is None:
        return value
    if deep > MOST_DEEP:
        raise Unfit(path, "it is more than %d levels deep" % MOST_DEEP)
    try:
        return converted_value(value, hint, path, deep)
    except Unfit:
        raise
    except Exception as error:
        raise Unfit(path, str(error) or type(error).__name__)


def converted(name, value, hint, shown):
    try:
        return convert(value, hint, name)
    except Unfit as error:
        raise Refusal("input", "`%s` of %s cannot be made of its input: %s" % (error.path, shown, error))


def arguments(function, given, shown):
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # a builtin
        return ([given] if given else []), {}
    if not parameters:
        return [], {}
    hints = hints_of(function)
    rest = [p for p in parameters if p.kind is p.VAR_KEYWORD]
    named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    first = parameters[0]
    if not isinstance(given, dict) or (len(parameters) == 1 and first.name not in given and not rest):
        if isinstance(given, dict) and not given and first.default is not first.empty:
            return [], {}
        return [converted(first.name, given, hints.get(first.name), shown)], {}
    keywords = {}
    for p in named:
        if p.name in given and not (given[p.name] is None and p.default is not p.empty):
            keywords[p.name] = converted(p.name, given[p.name], hints.get(p.name), shown)
        elif p.default is p.empty:
            raise Refusal("input", "%s wants `%s`, which is not among the inputs%s" % (
                shown, p.name, ": " + ", ".join(sorted(given)) if given else ""))
    if rest:
        keywords.update({k: v for k, v in given.items() if k not in keywords and k not in {p.name for p in named}})
    return [], keywords


# ---- the output ----


def plain(value):
    """What json.dumps does not know by itself."""
    import dataclasses
    import datetime

    if hasattr(value, "service_type") and hasattr(value, "to_dict"):
        return value.to_dict()
    for method in ("model_dump", "dict"):
        if callable(getattr(value, method, None)):
            return getattr(value, method)()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    raise TypeError("%s is nothing that JSON has; return texts, numbers, lists and dicts of them" % type(value).__name__)


def is_deferrable(value):
    return hasattr(value, "service_type") and hasattr(value, "to_dict")


def encode(value, shown):
    if is_deferrable(value):
        value = {"deferred": [value]}
    elif isinstance(value, (list, tuple)) and value and all(is_deferrable(v) for v in value):
        value = {"deferred": list(value)}
    try:
        return json.dumps(value, default=plain, allow_nan=False, ensure_ascii=False)
    except Exception as error:
        raise Refusal("output", "what %s returns is not JSON: %s" % (shown, error))


async def finish(awaitable):
    return await awaitable


def main():
    sys.argv[:] = [os.environ.get("ORK_TASK_FILE") or os.environ.get("ORK_TASK_MODULE") or ""]
    if sys.path and os.path.abspath(sys.path[0]) == HERE:
        sys.path.pop(0)
    sys.path.append(HERE)  # for `import ork_sdk`; the user's own modules come first
    try:
        function, shown = find_function()
        args, keywords = arguments(function, read_input(), shown)
        try:
            value = function(*args, **keywords)
            if inspect.isawaitable(value):
                import asyncio

                value = asyncio.run(finish(value))
        except SystemExit:  # its own way to say how it ended
            raise
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            end("error", show_error(error))
        if value is not None:
            write_output(encode(value, shown))
    except Refusal as refusal:
        print("ork: %s" % refusal, file=sys.stderr)
        end(refusal.kind, str(refusal), refusal.kind == "error")


if __name__ == "__main__":
    main()
