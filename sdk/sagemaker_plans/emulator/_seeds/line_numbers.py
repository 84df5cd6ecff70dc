"""Finds the line of each key in a JSON or TOML text, which the standard parsers do not give.

A standard parser has accepted the text before, so this reader knows only a part of the
grammar.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from typing import Final, NamedTuple, final

_TOKEN: Final = re.compile(
    r'''(?P<text>"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?'{3,5}|"(?:[^"\\]|\\.)*"|'[^'\n]*')'''
    r"|(?P<comment>\#[^\n]*)|(?P<blank>[ \t\r]+)|(?P<mark>[\[\]{}=:,.\n])"
    r"|(?P<word>[^\s\[\]{}=:,.\"'\#]+)",
    re.DOTALL,
)
_ENDS_A_VALUE: Final = frozenset(",]}\n")


class _Token(NamedTuple):
    kind: str
    text: str
    line: int


def lines_of_toml(text: str) -> dict[str, int]:
    """Return the line of every key and item of a TOML text, by paths such as `plans[0].start`.

    Raises:
        RecursionError: The text is nested too deeply.
    """
    return _Reader(text, _toml_text).toml()


def lines_of_json(text: str) -> dict[str, int]:
    """Return the line of every key and item of a JSON text, by paths such as `plans[0].start`.

    Raises:
        ValueError: A table has a key twice. JSON itself allows that.
        RecursionError: The text is nested too deeply.
    """
    return _Reader(text, json.loads).json()


def line_of(where: str, lines: dict[str, int]) -> int:
    """Return the line of a path or, if that is unknown, of the nearest path around it."""
    while where and where not in lines:
        where = where[: max(where.rfind("."), where.rfind("["), 0)]
    return lines.get(where, 1)


def _joined(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def _toml_text(quoted: str) -> str:
    return str(tomllib.loads(f"text = {quoted}")["text"])


@final
class _Reader:
    def __init__(self, text: str, unquote: Callable[[str], str]) -> None:
        self._unquote = unquote
        self._lines: dict[str, int] = {}
        self._tokens: list[_Token] = []
        line = 1
        for found in _TOKEN.finditer(text):
            kind = str(found.lastgroup)
            if kind not in {"comment", "blank"}:
                self._tokens.append(_Token(kind, found.group(), line))
            line += found.group().count("\n")
        self._tokens.append(_Token("mark", "\n", line))
        self._tokens.reverse()

    def json(self) -> dict[str, int]:
        self._value("")
        return self._lines

    def toml(self) -> dict[str, int]:
        table = ""
        lengths: dict[str, int] = {}
        while self._past_newlines():
            if self._tokens[-1].text == "[":
                table = self._header(lengths)
            else:
                self._value(self._key(table))
        return self._lines

    def _header(self, lengths: dict[str, int]) -> str:
        """Read `[table]` or `[[item of a list of tables]]`, and return its path."""
        line = self._tokens.pop().line
        is_item = self._tokens[-1].text == "["
        if is_item:
            self._tokens.pop()
        where = ""
        parts = self._dotted("]")
        for number, part in enumerate(parts, start=1):
            where = _joined(where, part)
            if is_item and number == len(parts):
                self._lines.setdefault(where, line)
                lengths[where] = lengths.get(where, 0) + 1
            if where in lengths:
                where = f"{where}[{lengths[where] - 1}]"
            self._lines.setdefault(where, line)
        if is_item:
            self._tokens.pop()
        return where

    def _key(self, where: str) -> str:
        """Read a key and the `=` or `:` after it, and return the key's path."""
        line = self._tokens[-1].line
        *above, last = self._dotted("=:")
        for part in above:
            where = _joined(where, part)
            self._lines.setdefault(where, line)
        where = _joined(where, last)
        if where in self._lines:
            raise ValueError(f"{line}: the key {where} is given twice")
        self._lines[where] = line
        return where

    def _dotted(self, closing: str) -> list[str]:
        parts: list[str] = []
        while (token := self._tokens.pop()).text not in closing:
            if token.kind == "text":
                parts.append(self._unquote(token.text))
            elif token.kind == "word":
                parts.append(token.text)
        return parts

    def _value(self, where: str) -> None:
        self._past_newlines()
        opening = self._tokens[-1]
        if opening.text == "[":
            self._tokens.pop()
            number = 0
            while self._is_inside("]"):
                item = f"{where}[{number}]"
                self._lines[item] = self._tokens[-1].line
                self._value(item)
                number += 1
        elif opening.text == "{":
            self._tokens.pop()
            while self._is_inside("}"):
                self._value(self._key(where))
        else:
            while self._tokens[-1].text not in _ENDS_A_VALUE:
                self._tokens.pop()

    def _is_inside(self, closing: str) -> bool:
        """Go to the next item and return True; after the last item, go past the end."""
        while self._past_newlines() and self._tokens[-1].text == ",":
            self._tokens.pop()
        if self._tokens[-1].text != closing:
            return True
        self._tokens.pop()
        return False

    def _past_newlines(self) -> bool:
        """Go to the next token that is not a line's end; return whether there is one."""
        while self._tokens and self._tokens[-1].text == "\n":
            self._tokens.pop()
        return bool(self._tokens)
