"""A real browser, started once and offline, and pages opened in it."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.analysis.explore.made_up import HOSTILE, made_up_page
from tests.probes.conftest import build_model, build_processor, model_folder, tokenizer, vlm

__all__ = ["build_model", "build_processor", "model_folder", "tokenizer", "vlm"]

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


@dataclass(slots=True, kw_only=True)
class Opened:
    """A page that was opened from a file, and what it should not have done."""

    page: Any
    requests: list[str] = field(default_factory=list)
    """But for the file itself and data: URLs."""
    errors: list[str] = field(default_factory=list)

    def text(self, selector: str) -> str:
        return self.page.inner_text(selector)

    def wait_for(self, selector: str, text: str | None = None) -> None:
        """Until there is such an element; the page's policy forbids to wait for code."""
        self.page.locator(selector, has_text=text).wait_for(state="attached", timeout=5000)

    def point_at(self, row: int, column: int, side: int = 4) -> None:
        """Moves the mouse to the middle of a patch; rows and columns from 1."""
        box = self.page.locator("#stage").bounding_box()
        across, down = ((each - 0.5) / side for each in (column, row))
        self.page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"])


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs the extra `page`")
    if CHROMIUM is None:
        pytest.skip("needs chromium: `make browser` installs it or says how")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield started
        started.close()


@pytest.fixture
def open_page(browser) -> Iterator[Callable[..., Opened]]:
    """Opens a file; afterwards it must have asked nobody for anything, and have no errors."""
    opened: list[Opened] = []
    contexts = []

    def open_file(file: Path, **options: Any) -> Opened:
        options = {"viewport": {"width": 1280, "height": 800}} | options
        context = browser.new_context(**options)
        contexts.append(context)
        one = Opened(page=context.new_page())
        url = file.as_uri()

        def asked(request: Any) -> None:
            if request.url != url and not request.url.startswith("data:image/"):
                one.requests.append(request.url)

        one.page.on("request", asked)
        one.page.on("pageerror", lambda error: one.errors.append(str(error)))
        one.page.on("console", lambda message: one.errors.append(message.text))
        one.page.goto(url)
        one.wait_for("#place:not(:empty)")
        opened.append(one)
        return one

    yield open_file
    for one in opened:
        assert one.requests == []
        assert one.errors == []
    for context in contexts:
        context.close()


WORDS = (" red", " blue", " green", " sphere", " cube", " metal", "Red", " large", " 3", ".")


@pytest.fixture(scope="session")
def words_file(tmp_path_factory) -> Path:
    """A page of two items, all conditions and both lenses, with plain words."""
    file = tmp_path_factory.mktemp("pages") / "words.html"
    file.write_bytes(made_up_page(texts=WORDS, n_items=2))
    return file


@pytest.fixture(scope="session")
def hostile_file(tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("pages") / "hostile.html"
    file.write_bytes(made_up_page(texts=HOSTILE))
    return file
