"""What is not shown but steers is refused; what belongs to writing is not."""

import pytest

from data_prep.attributes import attribute_of
from data_prep.errors import UserError
from data_prep.photographs.labels import attribute_name, label_attribute, question_texts
from data_prep.photographs.presence import PresenceQuestions
from data_prep.plain_text import MOST_CHARACTERS, hidden_in, require_plain
from data_prep.scenes import Photograph
from data_prep.terminal.visible import visible

HIDDEN = ["\x1b[31m", "\0", "\x7f", "\x9b", "\u202e", "\u2066", "\u200f", "\u061c", "\u2028",
          "\ud800", "\r"]  # fmt: skip
WRITTEN = ["caf\u00e9", "\u4e2d\u6587", "a\u00a0b", "a\u202fb", "\u0645\u06cc\u200c\u062e",
           "\U0001f469\u200d\U0001f52c", "e\u0301", "\ufeffx"]  # fmt: skip


@pytest.mark.parametrize("sign", HIDDEN)
def test_what_steers_is_found_and_shown_escaped(sign):
    assert hidden_in(f"red{sign}blue") == sign[0]
    with pytest.raises(UserError, match=r"^a label must hold no control characters") as caught:
        require_plain(f"red{sign}blue", "a label")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("text", WRITTEN)
def test_what_belongs_to_writing_is_let_through(text):
    assert hidden_in(text) is None
    require_plain(text, "a label")


def test_what_is_refused_is_what_is_written_out_where_it_is_shown():
    signs = [chr(number) for number in range(0x110000)]
    refused = [sign for sign in signs if hidden_in(sign, lines=True)]
    assert refused == [sign for sign in signs if visible(sign) != sign]
    assert {sign for sign in signs if hidden_in(sign)} == {*refused, "\t", "\n"}
    assert len(refused) == 2_134


def test_lines_are_allowed_only_where_they_are():
    require_plain("What is it?\nA. red\tB. blue", "a text", lines=True)
    for text, lines in (("a\nb", False), ("a\x1b\n", True)):
        with pytest.raises(UserError, match="no control characters"):
            require_plain(text, "a text", lines=lines)


def test_what_is_far_too_long_is_shown_in_part():
    with pytest.raises(UserError, match="at most 10,000 characters, got 10,001") as caught:
        require_plain("x" * (MOST_CHARACTERS + 1), "a label")
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("sign", HIDDEN)
def test_labels_names_categories_and_questions(sign):
    text = f"re{sign}d"
    photograph = Photograph(scene_id="a", image="a", split="", labels={}, categories=(text,))
    for make in (
        lambda: label_attribute("kind", [text, "blue"]),
        lambda: attribute_of("object", {text: ["red"], "blue": ["blue"]}),
        lambda: attribute_of("object", {"red": [text], "blue": ["blue"]}),
        lambda: attribute_name(text),
        lambda: question_texts({"kind": "Kind:"}, {"kind": text}),
        lambda: PresenceQuestions([photograph], "random"),
    ):
        with pytest.raises(UserError, match="must hold no control characters, got") as caught:
            make()
        assert str(caught.value).isprintable()
