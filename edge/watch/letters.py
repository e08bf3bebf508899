"""Large letters for a terminal: one word that must be readable from the other side of the room."""

from __future__ import annotations

from rich.text import Text

# Six rows of pixels a letter, two to a character row.
_GLYPHS = {
    "A": (" ## ", "#  #", "#  #", "####", "#  #", "#  #"),
    "C": (" ###", "#   ", "#   ", "#   ", "#   ", " ###"),
    "D": ("### ", "#  #", "#  #", "#  #", "#  #", "### "),
    "E": ("####", "#   ", "### ", "#   ", "#   ", "####"),
    "F": ("####", "#   ", "### ", "#   ", "#   ", "#   "),
    "H": ("#  #", "#  #", "####", "#  #", "#  #", "#  #"),
    "I": ("#", "#", "#", "#", "#", "#"),
    "L": ("#   ", "#   ", "#   ", "#   ", "#   ", "####"),
    "N": ("#   #", "##  #", "# # #", "#  ##", "#   #", "#   #"),
    "O": (" ## ", "#  #", "#  #", "#  #", "#  #", " ## "),
    "R": ("### ", "#  #", "#  #", "### ", "# # ", "#  #"),
    "S": (" ###", "#   ", " ## ", "   #", "   #", "### "),
    "T": ("#####", "  #  ", "  #  ", "  #  ", "  #  ", "  #  "),
    "U": ("#  #", "#  #", "#  #", "#  #", "#  #", " ## "),
}
_HALVES = {(" ", " "): " ", ("#", " "): "▀", (" ", "#"): "▄", ("#", "#"): "█"}


def large(word: str, style: str, *, double: bool = False) -> Text:
    """A word of known capitals: three rows high, six with `double`; other letters are left out."""
    rows = ["  ".join(_GLYPHS[letter][row] for letter in word if letter in _GLYPHS) for row in range(6)]
    if double:
        lines = ["".join("██" if pixel == "#" else "  " for pixel in row) for row in rows]
    else:
        lines = ["".join(_HALVES[pair] for pair in zip(*rows[i : i + 2], strict=True)) for i in (0, 2, 4)]
    return Text("\n".join(lines), style=style, no_wrap=True)
