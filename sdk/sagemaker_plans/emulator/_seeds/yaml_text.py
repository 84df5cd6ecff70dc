"""Reads YAML with the lines of its keys, where PyYAML is installed. It is its only importer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    import yaml


_KEYS: Final = frozenset({"tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"})

_MOST_REPEATED: Final = 100_000
# A few lines of aliases of aliases may stand for billions.


class YamlMissingError(Exception):
    """PyYAML is not installed. The message says what to do without it."""


def parsed_yaml(text: str) -> tuple[object, dict[str, int]]:
    """Return the content of a YAML text, and the line of every key and item by its path.

    An empty text is an empty table.

    Raises:
        YamlMissingError: PyYAML is not installed.
        ValueError: The text is not YAML, a table has a key twice, or aliases stand for too much.
            The message begins with the line.
        RecursionError: The text is nested too deeply, or is part of itself.
    """
    try:
        import yaml  # noqa: PLC0415  # nobody has to have it
    except ImportError:
        raise YamlMissingError(
            "a seed in YAML needs PyYAML (pip install pyyaml); without it, convert the file "
            "(yq -o json seed.yaml) or write JSON or TOML"
        ) from None
    reader = _Reader()
    try:
        # The safe loader knows plain values only, and runs no code of the text.
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
        if root is None:
            return {}, reader.lines
        reader.read(root, "")
        return cast("Any", loader).construct_document(root), reader.lines
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = 1 if mark is None else mark.line + 1
        raise ValueError(f"{line}: {error.problem}") from error
    except yaml.YAMLError as error:
        raise ValueError(f"1: {error}") from error


class _Reader:
    """Notes the line of each key and item, and how much the aliases of a text stand for."""

    def __init__(self) -> None:
        self.lines: dict[str, int] = {}
        self._seen: set[int] = set()
        self._repeated = 0

    def read(self, node: yaml.Node, where: str, *, repeated: bool = False) -> None:
        content: Any = node.value
        if isinstance(content, str):
            return
        repeated = repeated or id(node) in self._seen
        self._seen.add(id(node))
        for number, item in enumerate(content):
            if isinstance(item, tuple):
                key, value = cast("tuple[yaml.Node, yaml.Node]", item)
                at = f"{where}.{key.value}" if where else str(key.value)
                line = key.start_mark.line + 1
                if key.tag not in _KEYS:
                    raise ValueError(f"{line}: the key {at} is no text; put it in quotes")
                if at in self.lines:
                    raise ValueError(f"{line}: the key {at} is given twice")
            else:
                value, at = cast("yaml.Node", item), f"{where}[{number}]"
                line = value.start_mark.line + 1
            self._repeated += repeated
            if self._repeated > _MOST_REPEATED:
                raise ValueError(
                    f"{line}: aliases (*name) stand for more than {_MOST_REPEATED} keys and items"
                )
            self.lines[at] = line
            self.read(value, at, repeated=repeated)
