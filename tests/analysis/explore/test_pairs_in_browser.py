"""The pairs of a page as its readers use them: both images, both directions, one layer for all."""

from pathlib import Path

import pytest

from tests.analysis.explore.conftest import WORDS
from tests.analysis.explore.made_up import HOSTILE, made_up_page, made_up_pair


@pytest.fixture(scope="module")
def pairs_file(tmp_path_factory) -> Path:
    """A page with a minimal pair and a matched one, which has no object."""
    file = tmp_path_factory.mktemp("pages") / "pairs.html"
    matched = made_up_pair(
        1, answers=("cube", "ball"), question="What is it?", kinds=("image", "question", "answer")
    )
    file.write_bytes(made_up_page(texts=WORDS, pairs=[made_up_pair(), matched]))
    return file


def row(opened, place: int) -> list[str]:
    return opened.page.locator(f"#pair-here tbody tr:nth-child({place}) > *").all_inner_texts()


def test_both_images_the_question_and_both_answers(open_page, pairs_file):
    opened = open_page(pairs_file)
    assert "What color is the cube?" in opened.text("#pair-question")
    captions = opened.page.locator("#pair-images figcaption").all_inner_texts()
    assert captions == ["base, right answer: red", "source, right answer: blue"]
    urls = {each.get_attribute("src") for each in opened.page.locator("#pair-images img").all()}
    assert len(urls) == 2
    assert opened.page.locator("#pair-charts svg").count() == 2
    assert opened.page.locator("#pair-charts polyline").count() == 10
    assert opened.page.locator("#pair-charts .plain-odds").count() == 4


def test_a_press_in_a_chart_goes_to_a_layer_everywhere(open_page, pairs_file):
    opened = open_page(pairs_file)
    assert row(opened, 1) == ["nothing", "\u22124.0", "6.0"]
    assert row(opened, 2) == ["image positions", "\u22124.0", "6.0"], "at the last layer"
    opened.page.locator("#pair-charts svg").first.click(position={"x": 40, "y": 100})
    assert opened.text("#layer-value") == "0 of 4"
    assert row(opened, 2) == ["image positions", "6.0", "\u22124.0"]
    assert "\u201d at layer 0" in opened.text("#pair-here caption")
    opened.page.keyboard.press("PageUp")
    assert row(opened, 2) == ["image positions", "3.5", "\u22121.5"]
    lines = opened.page.locator(".chart .now").all()
    assert len(lines) == 4
    opened.page.set_viewport_size({"width": 900, "height": 800})
    opened.wait_for("#pair-charts figure:nth-child(2) polyline.answer")
    assert opened.page.locator("#pair-charts svg").count() == 2


def test_another_pair_has_no_object(open_page, pairs_file):
    opened = open_page(pairs_file)
    opened.page.select_option("#pair", "1")
    assert "What is it?" in opened.text("#pair-question")
    kinds = opened.page.locator("#pair-kinds li").all_inner_texts()
    assert [each.strip() for each in kinds] == ["image positions", "question", "answer position"]
    assert opened.page.locator("#pair-charts polyline").count() == 6


def test_kinds_can_be_left_out(open_page, pairs_file):
    opened = open_page(pairs_file)
    opened.page.get_by_role("checkbox", name="the rest of the image").uncheck()
    assert opened.page.locator("#pair-charts polyline").count() == 8
    assert opened.page.locator("#pair-charts .rest").count() == 0
    opened.page.get_by_role("checkbox", name="the rest of the image").check()
    assert opened.page.locator("#pair-charts .rest").count() == 2


def test_with_the_keyboard_and_a_screen_reader(open_page, pairs_file):
    opened = open_page(pairs_file)
    opened.page.focus("#pair")
    opened.page.keyboard.press("ArrowDown")
    opened.wait_for("#pair-question", "What is it?")
    opened.page.keyboard.press("Tab")
    opened.page.keyboard.press("Space")
    assert opened.page.locator("#pair-charts .image").count() == 0
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert opened.page.evaluate(outline) != "none"
    names = [each.get_attribute("aria-label")
             for each in opened.page.locator("#pair-charts svg").all()]  # fmt: skip
    assert "without a swap base image \u22124.0, source image 6.0" in names[0]
    assert "source's pass, with rows of the base's pass: image positions" in names[1]
    opened.page.click("text=The swaps as a table")
    assert opened.page.locator("#pair-table tbody tr").count() == 5
    assert opened.page.locator("#pair-table thead th").count() == 7


def test_a_page_without_pairs_shows_nothing_of_them(open_page, words_file):
    opened = open_page(words_file)
    assert not opened.page.locator("#pairs").is_visible()


def test_hostile_texts_are_text_and_nothing_scrolls_sideways(open_page, tmp_path):
    file = tmp_path / "page.html"
    pairs = [
        made_up_pair(place, answers=(text, HOSTILE[-1]), question=text)
        for place, text in enumerate(HOSTILE)
    ]
    file.write_bytes(made_up_page(texts=HOSTILE, pairs=pairs))
    for width in (1280, 375):
        opened = open_page(file, viewport={"width": width, "height": 800})
        for place, text in enumerate(HOSTILE):
            opened.page.select_option("#pair", f"{place}")
            shown = opened.page.locator("#pair-images bdi").first.text_content()
            if text in HOSTILE[1:5]:
                assert shown == text
            assert opened.page.evaluate("document.documentElement.scrollWidth") == width
        assert opened.page.title() == "A made-up page"
        markup = "#pairs script, #pairs s, #pairs b, #pairs img:not([src^='data:image/'])"
        assert opened.page.locator(markup).count() == 0
