"""How large the page of a large model is, and how fast it opens and answers, in a real browser.

    python tests/analysis/explore/bench_explore.py

33 layers, 576 patches, the 5 most probable of 32,000 made-up tokens, two lenses.
"""

import shutil
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import sync_playwright

from tests.analysis.explore.conftest import CHROMIUM, FLAGS
from tests.analysis.explore.made_up import made_up_page

_ALL = ("real", "shuffled", "blank")
_PAGES = {"1 item, real": (1, ("real",)), "1 item": (1, _ALL), "4 items, real": (4, ("real",))}
# Moves the pointer over every patch and forces the layout, so that all of the work is counted.
_HOVERS = """() => {
    const stage = document.getElementById("stage");
    const box = stage.getBoundingClientRect();
    const took = [];
    for (let patch = 0; patch < 576; patch += 1) {
        const clientX = box.left + ((patch % 24) + 0.5) * box.width / 24;
        const clientY = box.top + (Math.floor(patch / 24) + 0.5) * box.height / 24;
        const start = performance.now();
        stage.dispatchEvent(new PointerEvent("pointermove", { clientX, clientY, bubbles: true }));
        document.body.offsetHeight;
        took.push(performance.now() - start);
    }
    return took;
}"""
_LAYERS = """() => Array.from({ length: 33 }, (_, layer) => {
    const slider = document.getElementById("layer");
    const start = performance.now();
    slider.value = layer;
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    document.body.offsetHeight;
    return performance.now() - start;
})"""
_SEARCH = """() => {
    const field = document.getElementById("search");
    const start = performance.now();
    field.value = "a";
    field.dispatchEvent(new Event("input", { bubbles: true }));
    document.body.offsetHeight;
    return [performance.now() - start];
}"""


def main() -> None:
    """Prints a line for each page, and one for each thing that it is asked."""
    if CHROMIUM is None:
        print("explore: no chromium here, `make browser` installs it or says how")
        return
    rng = np.random.default_rng(1)
    letters = np.array(list("etaoinshrdlu"))
    texts = [" " + "".join(rng.choice(letters, rng.integers(2, 9))) for _ in range(32_000)]
    folder = Path(tempfile.mkdtemp())
    try:
        for name, (n_items, conditions) in _PAGES.items():
            page = made_up_page(
                texts=texts, side=24, n_layers=33, n_items=n_items, conditions=conditions
            )
            (folder / "page.html").write_bytes(page)
            print(f"explore: {name:14} {len(page) / 1e6:.2f} MB")
        _measure(folder / "page.html")
    finally:
        shutil.rmtree(folder)


def _measure(file: Path) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        start = time.perf_counter()
        page.goto(file.as_uri())
        page.locator("#place:not(:empty)").wait_for(state="attached")
        print(f"explore: opens in      {time.perf_counter() - start:.2f} s")
        for name, code in (("hover", _HOVERS), ("layer", _LAYERS), ("search", _SEARCH)):
            took = page.evaluate(code)
            print(
                f"explore: {name:8} median {statistics.median(took):.1f} ms, "
                f"slowest {max(took):.1f} ms, of {len(took)}"
            )
        browser.close()


if __name__ == "__main__":
    main()
