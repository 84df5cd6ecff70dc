"""What drawings are made for: the width, the letters and the colours of the console."""

from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter
from typing import Final, Self

from attrs import frozen
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.segment import Segment

GAP: Final = "  "

Piece = tuple[str, str]
"""A text and the name of its style; an empty name for none."""


def printable(text: str, encoding: str) -> str:
    """Replace what must not reach a terminal, or cannot be written.

    Args:
        text: A text of the service. Replies are not checked: it may have control codes.
        encoding: The encoding of the output.

    Returns:
        The text, with a question mark for each such letter.
    """
    shown = "".join(letter if letter.isprintable() else "?" for letter in text)
    return shown.encode(encoding, "replace").decode(encoding)


@frozen
class Page:
    """What the console can show now."""

    width: int
    """How many cells a line may have."""
    height: int
    """How many lines the screen has."""
    encoding: str
    is_ascii: bool

    @classmethod
    def of(cls, console: Console) -> Self:
        """Read it off a console.

        Args:
            console: The console.

        Returns:
            The page.
        """
        options = console.options
        # A terminal shows Ctrl-C as ^C. In a full line that would shift the drawing.
        width = max(1, options.max_width - 2)
        return cls(width, options.size.height, options.encoding, options.ascii_only)

    def printable(self, text: str) -> str:
        """Replace what must not reach the console, or cannot be written there.

        Args:
            text: The text.

        Returns:
            The text, with a question mark for each such letter.
        """
        return printable(text, self.encoding)

    def cut(self, text: str, width: int) -> str:
        """Make a text printable, and cut it.

        Args:
            text: The text.
            width: How many cells it may take.

        Returns:
            The text; with two dots at its end if it was cut.
        """
        text = self.printable(text)
        if cell_len(text) <= width:
            return text
        return set_cell_size(text, width - 2) + ".."


def segments(pieces: Iterable[Piece], console: Console) -> tuple[Segment, ...]:
    """Give the pieces of a line their colours.

    Args:
        pieces: The pieces.
        console: The console, which knows the styles.

    Returns:
        The line as rich prints it.
    """
    line = ((text, style) for text, style in pieces if text)
    return tuple(
        Segment("".join(text for text, _ in same), console.get_style(style) if style else None)
        for style, same in groupby(line, key=itemgetter(1))
    )
