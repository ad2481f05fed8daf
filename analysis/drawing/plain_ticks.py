"""Numbers along an axis in plain text."""

from matplotlib.ticker import LogFormatterSciNotation


class PlainTicks(LogFormatterSciNotation):
    """Writes numbers where matplotlib would write formulas, and nothing where it would not."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        if not super().__call__(x, pos):
            return ""
        return f"{x:g}".replace("e-0", "e-").replace("e+0", "e")
