"""What libraries say while a model is loaded: their errors in one line, their remarks not at all.

What matters of their remarks is said by us, once: what is missing, left over or does not fit.
"""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from huggingface_hub.utils import logging as hub_logging
from transformers.utils import logging as transformers_logging


@contextmanager
def without_remarks() -> Iterator[None]:
    """While it lasts, transformers, the Hub's library and Python warn of nothing.

    >>> before = transformers_logging.get_verbosity()
    >>> with without_remarks():
    ...     transformers_logging.get_verbosity() == logging.CRITICAL
    True
    >>> transformers_logging.get_verbosity() == before
    True
    """
    before = transformers_logging.get_verbosity(), hub_logging.get_verbosity()
    transformers_logging.set_verbosity(logging.CRITICAL)
    hub_logging.set_verbosity(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        transformers_logging.set_verbosity(before[0])
        hub_logging.set_verbosity(before[1])


def reason(error: BaseException) -> str:
    r"""The first line of an error, without the pages of advice that some carry.

    >>> reason(OSError("no file config.json\nHere follows a page of advice."))
    'no file config.json'
    >>> reason(KeyError("vision_config"))
    "'vision_config' is missing"
    """
    first, _, rest = str(error).strip().partition("\n")
    if first.endswith(":"):
        first = f"{first} {rest.strip().partition(chr(10))[0]}"
    first = first[:200]
    if isinstance(error, KeyError):
        return f"{first} is missing"
    # Without a text, its kind is all that is known.
    return first or type(error).__name__
