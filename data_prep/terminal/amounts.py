"""Durations and sizes in the words that people use for them."""

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86_400
_STEP = 1024
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def duration_text(seconds: int | float) -> str:
    """A duration in its two largest units, or in seconds below a minute and a half.

    >>> [duration_text(each) for each in (0.2, 89, 200, 7500, 200_000)]
    ['under 1 s', '89 s', '3 min', '2 h 05 min', '2 d 7 h']
    """
    if seconds < 1:
        return "under 1 s"
    if seconds < 1.5 * _MINUTE_S:
        return f"{seconds:.0f} s"
    minutes = round(seconds / _MINUTE_S)
    if seconds < _HOUR_S - _MINUTE_S / 2:
        return f"{minutes} min"
    if seconds < _DAY_S:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    hours = int(seconds // _HOUR_S)
    return f"{hours // 24} d {hours % 24} h"


def size_text(n_bytes: int | float) -> str:
    """A number of bytes in the largest binary unit of which there is at least one.

    >>> [size_text(each) for each in (12, 2048, 3.5 * 2**20, 64 * 2**30)]
    ['12 B', '2.0 KiB', '3.5 MiB', '64.0 GiB']
    """
    power = 0
    while n_bytes >= _STEP and power < len(_UNITS) - 1:
        n_bytes, power = n_bytes / _STEP, power + 1
    return f"{n_bytes:.0f} {_UNITS[0]}" if power == 0 else f"{n_bytes:.1f} {_UNITS[power]}"
