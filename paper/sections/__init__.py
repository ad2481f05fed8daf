"""The sections that runs fill: one file each, found by being here.

A new study adds its file with a `SECTION` in it: when it is shown, its prose, its values, figures
and tables. Nothing else needs to know of it.
"""

import importlib
import pkgutil

from paper.sections.section import Section

__all__ = ["Section", "all_sections"]


def all_sections() -> tuple[Section, ...]:
    """All sections, in the order in which they stand in the paper."""
    found: list[Section] = []
    for module in pkgutil.iter_modules(__path__):
        section = getattr(importlib.import_module(f"{__name__}.{module.name}"), "SECTION", None)
        if section is not None:
            found.append(section)
    return tuple(sorted(found, key=lambda section: (section.place, section.name)))
