"""The page as its readers use it: by mouse, by keyboard alone, on a phone, with hostile tokens."""

import re

import numpy as np

from probes.token_names import written
from tests.analysis.explore.made_up import HOSTILE, made_up_page


def top_word(opened, layer: int = 4, lens: str = "logit_lens") -> str:
    return opened.text(f"table.{lens} tbody tr:nth-child({layer + 1}) td:nth-child(2)")


def chosen(opened) -> str:
    return opened.text("#word h3") if opened.page.locator("#word h3").count() else ""


def test_it_begins_at_the_answer_position_and_the_last_layer(open_page, words_file):
    opened = open_page(words_file)
    assert opened.text("#place") == "The answer position"
    assert opened.text("#layer-value") == "4 of 4"
    assert "What color is it?" in opened.text("#question")
    assert opened.text("#answer").endswith("red")
    assert "·red" in chosen(opened), "shaded is where the answer stands"


def test_a_patch_is_pointed_at_locked_and_freed(open_page, words_file):
    opened = open_page(words_file)
    opened.point_at(2, 3)
    assert opened.text("#place") == "Patch row 2, column 3"
    opened.page.mouse.down()
    opened.page.mouse.up()
    assert opened.text("#place") == "Patch row 2, column 3, locked"
    opened.point_at(4, 4)
    assert opened.text("#place") == "Patch row 2, column 3, locked"
    opened.page.keyboard.press("Escape")
    opened.point_at(4, 4)
    assert opened.text("#place") == "Patch row 4, column 4"
    opened.page.click("#to-answer")
    assert opened.text("#place") == "The answer position"


def test_the_tables_show_what_was_packed(open_page, words_file):
    opened = open_page(words_file)
    opened.point_at(1, 1)
    rows = opened.page.locator("table.tuned_lens tbody tr")
    assert rows.count() == 5
    for row in rows.all():
        labels = [each.get_attribute("aria-label") for each in row.locator("td button").all()]
        chances = [float(label.rpartition(", ")[2].strip("<")) for label in labels]
        assert len(chances) == 5
        assert chances == sorted(chances, reverse=True)


def test_a_word_is_followed_through_image_and_layers(open_page, words_file):
    opened = open_page(words_file)
    before = opened.page.evaluate("document.getElementById('heat').toDataURL()")
    opened.page.click("table.logit_lens tbody tr:nth-child(2) td:nth-child(4) button")
    assert opened.text("#layer-value") == "1 of 4"
    assert opened.page.input_value("#shading") == "word"
    assert opened.page.evaluate("document.getElementById('heat').toDataURL()") != before
    assert re.match(
        r"On top \d+ times, among the first 5 \d+ times, of 85 ", opened.text("#word p")
    )
    opened.page.click("#word .places button >> nth=0")
    assert top_word(opened, int(opened.text("#layer-value").split()[0])) in chosen(opened)
    opened.page.click("#word h3 button")
    assert chosen(opened) == ""
    assert opened.page.input_value("#shading") == "top"


def test_layers_by_slider_and_by_curve(open_page, words_file):
    opened = open_page(words_file)
    opened.page.focus("#layer")
    opened.page.keyboard.press("ArrowLeft")
    assert opened.text("#layer-value") == "3 of 4"
    box = opened.page.locator("#charts svg").first.bounding_box()
    opened.page.mouse.click(box["x"] + 40, box["y"] + 100)
    assert opened.text("#layer-value") == "0 of 4"
    assert opened.page.locator("#charts .set").count() == 1, "of the lens that has one"
    assert "layer 2.4 (95% interval 2.1 to 2.9), set 2 to 3, 120 scenes" in opened.text(
        "#curve-note"
    )


def test_search_finds_tokens_and_their_layers(open_page, words_file):
    opened = open_page(words_file)
    opened.page.keyboard.press("/")
    opened.page.keyboard.type("RED")
    assert opened.text("#found").startswith("2 tokens (logit lens, real image)")
    found = opened.page.locator("#results button").all_inner_texts()
    assert all(re.search(r"red\s*\d+ times, layers? \d", text, re.I) for text in found)
    opened.page.click("#results button >> nth=0")
    assert "red" in chosen(opened).lower()
    opened.page.fill("#search", "zebra")
    assert opened.text("#found").startswith("0 tokens")


def test_conditions_and_items(open_page, words_file):
    opened = open_page(words_file)
    image = opened.page.get_attribute("#image", "src")
    opened.page.check("input[value=shuffled]")
    opened.wait_for("#image[alt*=shuffled]")
    assert opened.page.get_attribute("#image", "src") != image
    opened.page.keyboard.press("c")
    opened.wait_for("#image[alt*=blank]")
    opened.page.select_option("#item", "1")
    opened.wait_for("#image[alt*=real]")
    assert opened.page.locator("#conditions input:checked").get_attribute("value") == "real"


def test_with_the_keyboard_alone(open_page, words_file):
    opened = open_page(words_file)
    keys = opened.page.keyboard
    reached = []
    for _ in range(14):
        keys.press("Tab")
        reached.append(opened.page.evaluate("document.activeElement.id"))
        outline = "getComputedStyle(document.activeElement).outlineStyle"
        assert opened.page.evaluate(outline) != "none", f"focus is not seen at {reached[-1]}"
    assert [each for each in reached if each] == [
        "item", "stage", "layer", "lens", "shading", "to-answer", "search",
    ]  # fmt: skip
    opened.page.focus("#stage")
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "Enter"):
        keys.press(key)
    assert opened.text("#place") == "Patch row 2, column 2, locked"
    keys.press("PageDown")
    assert opened.text("#layer-value") == "3 of 4"
    opened.wait_for("#live", "layer 3")
    assert "patch row 2, column 2, locked" in opened.page.text_content("#live")
    keys.press("l")
    assert opened.page.input_value("#lens") == "tuned_lens"
    opened.page.focus("tr.here td button")
    keys.press("ArrowDown")
    keys.press("ArrowRight")
    keys.press("Enter")
    assert opened.text("#layer-value") == "4 of 4"
    assert chosen(opened)
    keys.press("a")
    assert opened.text("#place") == "The answer position"


def test_letters_are_text_in_the_search_and_can_be_turned_off(open_page, words_file):
    opened = open_page(words_file)
    opened.page.focus("#search")
    opened.page.keyboard.type("cube/a")
    assert opened.page.input_value("#search") == "cube/a"
    assert opened.page.locator("#conditions input:checked").get_attribute("value") == "real"
    opened.page.click("summary:text-is('Keys')")
    opened.page.uncheck("#single-keys")
    opened.page.keyboard.press("c")
    opened.page.wait_for_timeout(50)
    assert opened.page.locator("#conditions input:checked").get_attribute("value") == "real"


def test_hostile_tokens_are_text(open_page, hostile_file):
    opened = open_page(hostile_file)
    shown = set()
    for row in range(1, 5):
        for column in range(1, 5):
            opened.point_at(row, column)
            cells = opened.page.locator("#tables bdi").all_text_contents()
            shown |= set(cells)
    assert opened.page.title() == "A made-up page"
    assert opened.page.locator("#tables img, #tables script, #tables s, #tables b").count() == 0
    for token in HOSTILE[1:5]:
        assert token in shown
    assert {"U+202Eright to left", "U+D800 alone", "\\n", "U+2028line"} <= shown
    assert "U+0000U+0007U+001B[31m" in shown
    assert all(re.search(r"[\u202a-\u202e\u2066-\u2069\x00-\x1f]", text) is None for text in shown)
    opened.page.fill("#search", "<img")
    assert opened.text("#found").startswith("1 token")
    opened.page.click("#results button")
    assert "<img src=x onerror" in chosen(opened)
    width = opened.page.evaluate("document.documentElement.scrollWidth")
    assert width <= 1280, "a token of 400 letters does not widen the page"


def test_names_keep_their_space_and_their_direction(open_page, tmp_path):
    """A word from right to left reverses nothing that stands beside it."""
    hebrew = "\u05e9\u05dc\u05d5\u05dd"
    texts = [written(each) for each in (f" {hebrew}", " red", hebrew, "red", "\n", "\u00b7")]
    texts += ["<0xE4>", "<600>"]
    file = tmp_path / "page.html"
    file.write_bytes(made_up_page(texts=texts))
    opened = open_page(file)
    shown = set(opened.page.locator("#tables bdi").all_text_contents())
    assert shown <= set(texts), "names are shown as they are"
    assert len(shown) > 5
    directions = opened.page.locator("#tables bdi").evaluate_all(
        "all => [...new Set(all.map(each => getComputedStyle(each).unicodeBidi))]"
    )
    assert directions == ["isolate"]
    labels = opened.page.locator("#tables td button").evaluate_all(
        "all => all.map(each => each.getAttribute('aria-label'))"
    )
    assert all(re.fullmatch(r"\u2068[^\u2068\u2069]+\u2069, [<\d.]+", each) for each in labels)
    assert f"Share of the answer \u201c\u00b7{hebrew}\u201d" in opened.text("#curve-title")
    assert "other answers" in opened.text("#legend")


def test_on_a_phone_nothing_scrolls_sideways(open_page, words_file, hostile_file):
    for file in (words_file, hostile_file):
        opened = open_page(file, viewport={"width": 375, "height": 740}, has_touch=True)
        assert opened.page.evaluate("document.documentElement.scrollWidth") == 375
        box = opened.page.locator("#stage").bounding_box()
        opened.page.touchscreen.tap(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.1)
        assert opened.text("#place") == "Patch row 1, column 2, locked"


def test_a_screen_reader_finds_names_and_tables(open_page, words_file):
    opened = open_page(words_file)
    for role in ("banner", "main", "contentinfo", "search"):
        assert opened.page.get_by_role(role).count() == 1, role
    unnamed = opened.page.evaluate(
        """[...document.querySelectorAll('button, select, input')].filter((each) =>
        !each.textContent.trim() && !each.labels?.length && !each.getAttribute('aria-label'))
        .map((each) => each.outerHTML)"""
    )
    assert unnamed == []
    assert (
        opened.page.get_by_role("img", name=re.compile("Share of the answer .* by layer")).count()
        == 2
    )
    # What is opened is filled an instant later: wait for the first row.
    opened.page.click("text=All patches at this layer")
    opened.page.wait_for_selector("#patch-table tbody tr")
    assert opened.page.locator("#patch-table tbody tr").count() == 16
    opened.page.click("text=The curves as a table")
    opened.page.wait_for_selector("#curve-table tbody tr")
    assert opened.page.locator("#curve-table tbody tr").count() == 5


def test_text_keeps_its_contrast_in_light_and_dark(open_page, words_file):
    for scheme in ("light", "dark"):
        opened = open_page(words_file, color_scheme=scheme)
        for name in ("--ink", "--quiet"):
            assert _contrast(opened, name, "--paper") >= 4.5, (scheme, name)
            assert _contrast(opened, name, "--raised") >= 4.5, (scheme, name)
            assert _contrast(opened, name, "--here") >= 4.5, (scheme, name)
        assert _contrast(opened, "--focus", "--paper") >= 3


def _contrast(opened, one: str, other: str) -> float:
    """WCAG's ratio of two of the page's colours."""

    def luminance(name: str) -> float:
        text = opened.page.evaluate(
            """(name) => { const probe = document.createElement("i");
            probe.style.color = `var(${name})`; document.body.append(probe);
            const color = getComputedStyle(probe).color; probe.remove(); return color; }""",
            name,
        )
        parts = np.array([int(each) for each in re.findall(r"\d+", text)[:3]]) / 255
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)
